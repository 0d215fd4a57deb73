# The same by PyTorch's own products: any device, and processors for which libtorch has no oneDNN.

def pack(weight: Tensor, half: bool) -> Tensor:
  w = weight
  if half:
    w = weight.to(15)  # bfloat16
  return w

def linear(x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
  return torch.linear(x, weight, bias)

def linear_then(x: Tensor, weight: Tensor, bias: Optional[Tensor], activation: str) -> Tensor:
  return __torch__.activation.apply(torch.linear(x, weight, bias), activation)
