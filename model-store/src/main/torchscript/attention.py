# Self-attention within each sequence. Only here tokens are padded: to [R, S] by `pad`, [R S] rows of the packed
# tokens, and back by `unpad`, [N] rows of the padded ones.
#
# qkv [N, 3 d]: queries, keys and values side by side; bias [R or 1, H or 1, S or 1, S], added to the scores -> [N, d]
def attend(qkv: Tensor, bias: Tensor, pad: Tensor, unpad: Tensor, rows: int, length: int, heads: int, scale: float) -> Tensor:
  d = torch.size(qkv, 1) // 3
  x = qkv.index_select(0, pad).to(bias).view([rows, length, 3, heads, d // heads]).permute([2, 0, 3, 1, 4])  # [3, R, H, S, d/H]
  a = torch.scaled_dot_product_attention(x[0], x[1], x[2], bias, 0., False, scale=scale)  # [R, H, S, d/H]
  return a.transpose(1, 2).reshape([rows * length, d]).index_select(0, unpad)
