# T5's encoder (Raffel et al., 2020): the norm stands before each sub-layer and knows neither mean nor bias; scores
# are not scaled, and have a bias by distance. Nothing has a bias of its own.

def norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
  variance = torch.mean(torch.mul(x, x), [1], True)  # [N, 1]
  return torch.mul_(torch.mul(x, torch.rsqrt_(variance.add_(eps))), weight)

# x [N, d] -> [N, d]. layout: pad [R S], unpad [N], bias [R, H, S, S]. sizes: R, S, H. W: 7 of each layer, weights
# packed: norm [d], qkv [3 d', d], out [d, d'], norm [d], up [f, d], gate [f, d] (empty unless gated), down [d, f]; then
# the last norm. A last tensor tells the type of the weights.
def layers(x: Tensor, layout: List[Tensor], sizes: List[int], W: List[Tensor], first: int, last: int, eps: float, activation: str, adapters: List[Tensor], blocks: List[int], owners: List[int], adapter_activation: str, adapted: int) -> Tensor:
  kind = W[len(W) - 1]
  h = x
  for l in range(first, last):
    i = 7 * l
    z = __torch__.t5.norm(h, W[i], eps).to(kind)
    qkv = __torch__.linear.linear(z, W[i + 1], None)  # [N, 3 d']
    a = __torch__.attention.attend(qkv, layout[2], layout[0], layout[1], sizes[0], sizes[1], sizes[2], 1.)  # [N, d']
    y = __torch__.linear.linear(a.to(qkv), W[i + 2], None).to(h)  # [N, d]
    y = __torch__.adapters.apply(y, adapters, blocks, owners, l - adapted, 1, adapter_activation)
    h = torch.add(h, y)
    z = __torch__.t5.norm(h, W[i + 3], eps).to(kind)
    u = __torch__.linear.linear_then(z, W[i + 4], None, activation)  # [N, f]
    if sizes[3] == 1:
      u = u.mul_(__torch__.linear.linear(z, W[i + 5], None))
    y = __torch__.linear.linear(u, W[i + 6], None).to(h)  # [N, d]
    y = __torch__.adapters.apply(y, adapters, blocks, owners, l - adapted, 0, adapter_activation)
    h = torch.add(h, y)
  if len(W) == 7 * last + 2:
    h = __torch__.t5.norm(h, W[7 * last], eps)
  return h
