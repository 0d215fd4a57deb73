# Products by an operator that no libtorch has.

def pack(weight: Tensor, kind: int) -> Tensor:
  return ops.mkldnn._no_such_operator(weight.to(kind), None)

def linear(x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
  return torch.linear(x, weight, bias)

def linear_then(x: Tensor, weight: Tensor, bias: Optional[Tensor], activation: str) -> Tensor:
  return __torch__.activation.apply(torch.linear(x, weight, bias), activation)
