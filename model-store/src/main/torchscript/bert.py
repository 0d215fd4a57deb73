# BERT's encoder (Devlin et al., 2019): the norm stands behind the residual. The residual is f32 whatever the
# weights are; `x.to(bias)` brings a product's input to their type.

# ids, places, segments [N] int64; W: words [V, d], positions [P, d], segments [2, d], norm's weight and bias [d]
def embed(ids: Tensor, places: Tensor, segments: Tensor, W: List[Tensor], eps: float) -> Tensor:
  x = torch.embedding(W[0], ids).add_(torch.embedding(W[1], places)).add_(torch.embedding(W[2], segments))
  return torch.layer_norm(x, [torch.size(x, 1)], W[3], W[4], eps)

# x [N, d]. layout: pad [R S], unpad [N], bias [R, 1, 1, S]. sizes: R, S, H. W: 12 of each layer, weights packed:
# qkv [3 d, d], out [d, d], norm, up [f, d], down [d, f], norm, each followed by its bias. scale: of the scores.
def layers(x: Tensor, layout: List[Tensor], sizes: List[int], W: List[Tensor], first: int, last: int, eps: float, activation: str, scale: float, adapters: List[Tensor], blocks: List[int], owners: List[int], adapter_activation: str, adapted: int) -> Tensor:
  d = torch.size(x, 1)
  h = x
  for l in range(first, last):
    i = 12 * l
    qkv = __torch__.linear.linear(h.to(W[i + 1]), W[i], W[i + 1])  # [N, 3 d]
    a = __torch__.attention.attend(qkv, layout[2], layout[0], layout[1], sizes[0], sizes[1], sizes[2], scale)  # [N, d]
    y = __torch__.linear.linear(a.to(qkv), W[i + 2], W[i + 3]).to(h)  # [N, d]
    y = __torch__.adapters.apply(y, adapters, blocks, owners, l - adapted, 1, adapter_activation)
    h = torch.layer_norm(y.add_(h), [d], W[i + 4], W[i + 5], eps)
    z = __torch__.linear.linear_then(h.to(W[i + 7]), W[i + 6], W[i + 7], activation)  # [N, f]
    y = __torch__.linear.linear(z, W[i + 8], W[i + 9]).to(h)  # [N, d]
    y = __torch__.adapters.apply(y, adapters, blocks, owners, l - adapted, 0, adapter_activation)
    h = torch.layer_norm(y.add_(h), [d], W[i + 10], W[i + 11], eps)
  return h
