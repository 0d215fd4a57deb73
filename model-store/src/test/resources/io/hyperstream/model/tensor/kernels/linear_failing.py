# Products that fail when they are computed.

def pack(weight: Tensor, kind: int) -> Tensor:
  return weight.to(kind)

def linear(x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
  return torch.linear(x, weight.view([1]), bias)

def linear_then(x: Tensor, weight: Tensor, bias: Optional[Tensor], activation: str) -> Tensor:
  return __torch__.activation.apply(torch.linear(x, weight, bias), activation)
