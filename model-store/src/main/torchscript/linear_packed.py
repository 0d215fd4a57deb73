# Products with frozen weights by oneDNN, which keeps them in the order its kernels read (CPU).

# weight [out, in] f32 -> opaque
def pack(weight: Tensor, kind: int) -> Tensor:
  return ops.mkldnn._reorder_linear_weight(weight.to(kind), None)

# x [.., in] of the weight's type -> [.., out]
def linear(x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
  return ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")

# The same and an activation, in one pass over the output.
def linear_then(x: Tensor, weight: Tensor, bias: Optional[Tensor], activation: str) -> Tensor:
  if activation == "gelu":
    return ops.mkldnn._linear_pointwise(x, weight, bias, "gelu", [], "none")
  if activation == "gelu_new":
    return ops.mkldnn._linear_pointwise(x, weight, bias, "gelu", [], "tanh")
  if activation == "relu":
    return ops.mkldnn._linear_pointwise(x, weight, bias, "relu", [], "")
  return __torch__.activation.apply(ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], ""), activation)
