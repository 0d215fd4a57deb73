# Products that are computed, but wrong.

def pack(weight: Tensor, kind: int) -> Tensor:
  return weight.to(kind)

def linear(x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
  return torch.mul(torch.linear(x, weight, bias), 2.)

def linear_then(x: Tensor, weight: Tensor, bias: Optional[Tensor], activation: str) -> Tensor:
  return __torch__.activation.apply(torch.linear(x, weight, bias), activation)
