# By the names of a model's configuration; x is overwritten where that saves a pass.
def apply(x: Tensor, activation: str) -> Tensor:
  if activation == "relu":
    return torch.relu_(x)
  if activation == "gelu":
    return torch.gelu(x, approximate="none")
  if activation == "gelu_new":
    return torch.gelu(x, approximate="tanh")
  if activation == "swish":
    return torch.silu_(x)
  if activation == "tanh":
    return torch.tanh_(x)
  return x
