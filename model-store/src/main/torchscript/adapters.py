# Adapters of many tasks in one batch, with the norm behind each folded into its products: with q = [h, 1],
#   y + LN(up h + b) = y + [q / sqrt(q' gram q), 1] up'      (FoldedAdapters, which makes gram and up')
#
# adapters: 4 of each task: down [L, 2, r, d], its bias [L, 2, r], gram [L, 2, r+1, r+1], up [L, 2, d, r+2]; then 2
# index tensors of each block. blocks: 6 numbers of each block of neighbouring tokens: from, to, its sequences n,
# their padded length s, where its owners and where its index tensors lie. owners: which task each sequence is of;
# a block with n = 0 is of one task.

# y [N, d] is overwritten and returned. layer: of those that have adapters; below 0 there is nothing to do.
def apply(y: Tensor, adapters: List[Tensor], blocks: List[int], owners: List[int], layer: int, position: int, activation: str) -> Tensor:
  n = len(blocks) // 6
  if layer < 0:
    n = 0
  for b in range(n):
    part = torch.slice(y, 0, blocks[6 * b], blocks[6 * b + 1], 1)
    owner = blocks[6 * b + 4]
    if blocks[6 * b + 2] == 0:
      __torch__.adapters.of_one(part, adapters, owners[owner], layer, position, activation)
    else:
      __torch__.adapters.of_many(part, adapters, owners, owner, blocks[6 * b + 2], blocks[6 * b + 3], blocks[6 * b + 5], layer, position, activation)
  return y

def at(stacked: Tensor, layer: int, position: int) -> Tensor:
  return torch.select(torch.select(stacked, 0, layer), 0, position)

# y [M, d]
def of_one(y: Tensor, adapters: List[Tensor], owner: int, layer: int, position: int, activation: str) -> Tensor:
  down = __torch__.adapters.at(adapters[4 * owner], layer, position)
  bias = __torch__.adapters.at(adapters[4 * owner + 1], layer, position)
  gram = __torch__.adapters.at(adapters[4 * owner + 2], layer, position)
  up = __torch__.adapters.at(adapters[4 * owner + 3], layer, position)
  h = __torch__.activation.apply(torch.addmm(bias, y, down.t()), activation)  # [M, r]
  q = torch.constant_pad_nd(h, [0, 1], 1)  # [M, r+1]
  variance = torch.sum(torch.mul_(torch.mm(q, gram), q), [1], True)  # [M, 1]
  q = torch.div_(q, torch.sqrt_(variance))
  return y.addmm_(torch.constant_pad_nd(q, [0, 1], 1), up.t())

def stack(adapters: List[Tensor], owners: List[int], first: int, n: int, part: int, layer: int, position: int) -> Tensor:
  some = annotate(List[Tensor], [])
  for i in range(n):
    some.append(__torch__.adapters.at(adapters[4 * owners[first + i] + part], layer, position))
  return torch.stack(some, 0)

# y [M, d]: n sequences, padded to [n, s, d] for products per sequence
def of_many(y: Tensor, adapters: List[Tensor], owners: List[int], first: int, n: int, s: int, index: int, layer: int, position: int, activation: str) -> Tensor:
  down = __torch__.adapters.stack(adapters, owners, first, n, 0, layer, position)  # [n, r, d]
  bias = __torch__.adapters.stack(adapters, owners, first, n, 1, layer, position)  # [n, r]
  gram = __torch__.adapters.stack(adapters, owners, first, n, 2, layer, position)  # [n, r+1, r+1]
  up = __torch__.adapters.stack(adapters, owners, first, n, 3, layer, position)  # [n, d, r+2]
  x = y.index_select(0, adapters[index]).view([n, s, torch.size(y, 1)])
  h = __torch__.activation.apply(torch.baddbmm(bias.unsqueeze(1), x, down.transpose(1, 2)), activation)  # [n, s, r]
  q = torch.constant_pad_nd(h, [0, 1], 1)
  variance = torch.sum(torch.mul_(torch.bmm(q, gram), q), [2], True)  # [n, s, 1]
  q = torch.div_(q, torch.sqrt_(variance))
  u = torch.bmm(torch.constant_pad_nd(q, [0, 1], 1), up.transpose(1, 2))  # [n, s, d]
  return y.add_(u.view([n * s, torch.size(y, 1)]).index_select(0, adapters[index + 1]))
