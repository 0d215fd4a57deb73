# The doors to the kernels: what the application calls. TorchScript in the form torch.jit.save writes, so that
# libtorch reads it without Python: functions are called by their full names, tensors' methods as in PyTorch.
#
# Shapes: N tokens of all sequences, one after the other, without padding. R sequences, S tokens of the longest
# of them. d width, f feed-forward width, H heads, L layers.
class Kernels(Module):
  __parameters__ = []
  __buffers__ = []

  # A frozen weight as `linear` wants it; read by nothing else. kind: 6 for float32, 15 for bfloat16, 5 for float16.
  def pack(self: __torch__.Kernels, weight: Tensor, kind: int) -> Tensor:
    return __torch__.linear.pack(weight, kind)

  def to_kind(self: __torch__.Kernels, x: Tensor, kind: int) -> Tensor:
    return x.to(kind)

  # x [.., in] times a packed weight [out, in] -> [.., out], both f32; `kind` has the packed weight's type.
  def linear(self: __torch__.Kernels, x: Tensor, weight: Tensor, kind: Tensor) -> Tensor:
    return __torch__.linear.linear(x.to(kind), weight, None).to(x)

  # The same plus bias [out], which has the packed weight's type.
  def linear_bias(self: __torch__.Kernels, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return __torch__.linear.linear(x.to(bias), weight, bias).to(x)

  # A product alone, many times over, f32: what it is worth without the way to it. The bias of each is the first row of
  # the one before, or the compiler would leave out what nobody reads.
  def repeat(self: __torch__.Kernels, x: Tensor, weight: Tensor, bias: Tensor, times: int) -> Tensor:
    y = __torch__.linear.linear(x, weight, bias)
    for i in range(times - 1):
      y = __torch__.linear.linear(x, weight, torch.select(y, 0, 0))
    return y

  # Token ids, places and segments [N] -> [N, d]. W: tables [V, d], [P, d], [2, d], the norm's weight and bias.
  def bert_embed(self: __torch__.Kernels, ids: Tensor, places: Tensor, segments: Tensor, W: List[Tensor], eps: float) -> Tensor:
    return __torch__.bert.embed(ids, places, segments, W, eps)

  # Layers [first, last) of BERT: x [N, d] -> [N, d].
  def bert_layers(self: __torch__.Kernels, x: Tensor, layout: List[Tensor], sizes: List[int], W: List[Tensor], first: int, last: int, eps: float, activation: str, scale: float, adapters: List[Tensor], blocks: List[int], owners: List[int], adapter_activation: str, adapted: int) -> Tensor:
    return __torch__.bert.layers(x, layout, sizes, W, first, last, eps, activation, scale, adapters, blocks, owners, adapter_activation, adapted)

  # The same of T5's encoder, the norm at its end included if `last` is the last layer.
  def t5_layers(self: __torch__.Kernels, x: Tensor, layout: List[Tensor], sizes: List[int], W: List[Tensor], first: int, last: int, eps: float, activation: str, adapters: List[Tensor], blocks: List[int], owners: List[int], adapter_activation: str, adapted: int) -> Tensor:
    return __torch__.t5.layers(x, layout, sizes, W, first, last, eps, activation, adapters, blocks, owners, adapter_activation, adapted)
