#!/usr/bin/env python3
"""Checks and times the kernels of model-store/src/main/torchscript on a GPU, without Java.

    infra/gpu/kernels.py                      # on the first GPU; a few minutes
    infra/gpu/kernels.py --device cpu --tiny  # rehearses it in seconds
    infra/gpu/kernels.py --json FILE          # the numbers as JSON lines as well

The archive is made from the same files as the application's. Weights are random: arithmetic does not depend on their
values. Parity: the float32 kernels on the device against the same layers on the CPU, written out below in plain PyTorch,
so that a rehearsal on the CPU compares two programs as well. Then bge-small's and T5-small's layers in each type, beside
the device's own matrix products of that type in the same run, and adapters of 1, 32 and 1,024 tasks beside none. Exit
code 1: parity fails; 2: wrong arguments.
"""
import argparse, io, json, pathlib, platform, statistics, sys, time, zipfile
import torch

SOURCES = pathlib.Path(__file__).resolve().parents[2] / "model-store/src/main/torchscript"
F32, F16, BF16 = 6, 5, 15  # as TorchScript numbers types
NAMES = {F32: "f32", F16: "f16", BF16: "bf16"}
PARITY = 1e-3  # of states about 1 in size, after all layers, on a device that adds up in another order


def archive(products):
    """The zip that torch.jit.load reads, as Kernels.java makes it."""
    files = {"code/__torch__.py": "kernels", "code/__torch__/linear.py": products}
    files.update({f"code/__torch__/{n}.py": n for n in ("activation", "attention", "adapters", "bert", "t5")})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as z:
        z.writestr("kernels/data.pkl", b"\x80\x02c__torch__\nKernels\n)\x81}b.")
        for name, source in files.items():
            text = (SOURCES / f"{source}.py").read_text()
            if not hasattr(torch.nn.functional, "scaled_dot_product_attention"):  # PyTorch 1, for rehearsals
                text = text.replace(
                    "torch.scaled_dot_product_attention(x[0], x[1], x[2], bias, 0., False, scale=scale)",
                    "torch.matmul(torch.softmax(torch.matmul(x[0] * scale, x[1].transpose(2, 3)) + bias, -1), x[2])")
            z.writestr(f"kernels/{name}", text)
        z.writestr("kernels/constants.pkl", b"\x80\x02).")
        z.writestr("kernels/version", "10\n")
    out.seek(0)
    return out


class Model:
    """Random weights of an encoder, and its layers as one call."""

    def __init__(self, kernels, family, layers, width, wide, heads, inner, device, kind):
        self.kernels, self.family, self.layers, self.width, self.heads = kernels, family, layers, width, heads
        self.device, self.kind, self.wide, self.inner = device, kind, wide, inner
        self.plain = []  # the same weights, not packed
        g = torch.Generator().manual_seed(1)
        self.weights = []

        def product(out, into):
            w = (torch.rand(out, into, generator=g) - 0.5) * 3.4 / into**0.5
            self.plain.append(w)
            self.weights.append(kernels.pack(w.to(device), kind))

        def vector(n, mean, typed=False):
            self.plain.append(mean + 0.1 * torch.rand(n, generator=g))
            v = self.plain[-1].to(device)
            self.weights.append(kernels.to_kind(v, kind) if typed else v)

        for _ in range(layers):
            if family == "bert":
                for shapes in (((3 * width, width), (width, width)), ((wide, width), (width, wide))):
                    for out, into in shapes:
                        product(out, into), vector(out, 0, True)
                    vector(width, 1), vector(width, 0)
                continue
            vector(width, 1), product(3 * inner, width), product(width, inner)
            vector(width, 1), product(wide, width), product(wide, width), product(width, wide)
        if family == "t5":
            vector(width, 1), vector(1, 1, True)

    def run(self, x, layout, sizes, adapters=((), (), ())):
        tensors, blocks, owners = adapters
        call = self.kernels.bert_layers if self.family == "bert" else self.kernels.t5_layers
        tail = [list(tensors), list(blocks), list(owners), "gelu_new", 0]
        sizes = sizes + [self.heads] + ([0] if self.family == "t5" else [])
        if self.family == "bert":
            return call(x, layout, sizes, self.weights, 0, self.layers, 1e-12, "gelu", (self.width // self.heads) ** -0.5, *tail)
        return call(x, layout, sizes, self.weights, 0, self.layers, 1e-6, "relu", *tail)

    def reference(self, x, layout, sizes, adapters=((), (), ())):
        """What `run` computes, on the CPU in float32: equally long sequences, an adapter for each, and nothing of the kernels."""
        (R, S), H, d, (tensors, _, owners) = sizes, self.heads, x.shape[1], adapters
        F, W = torch.nn.functional, self.plain
        x, bias = x.cpu().view(R, S, d), layout[2].cpu()
        tensors = [t.cpu() for t in tensors]

        def attend(qkv, scale):
            q, k, v = (t.reshape(R, S, H, -1).transpose(1, 2) for t in qkv.chunk(3, -1))
            return ((q @ k.transpose(2, 3) * scale + bias).softmax(-1) @ v).transpose(1, 2).reshape(R, S, -1)

        def adapt(y, layer, position):
            out = y.clone()
            for row, owner in enumerate(owners):
                down, offset, gram, up = (t[layer, position] for t in tensors[4 * owner : 4 * owner + 4])
                h = y[row] @ down.t() + offset
                h = 0.5 * h * (1 + torch.tanh((2 / 3.141592653589793) ** 0.5 * (h + 0.044715 * h**3)))
                q = torch.cat([h, torch.ones(S, 1)], 1)  # [S, r + 1]
                q = q / (q @ gram * q).sum(1, True).sqrt()
                out[row] += torch.cat([q, torch.ones(S, 1)], 1) @ up.t()
            return out

        def norm(x, weight):
            return x / (x.pow(2).mean(-1, True) + 1e-6).sqrt() * weight

        for l in range(self.layers):
            if self.family == "bert":
                qkv, qb, out, ob, n1, b1, up, ub, down, db, n2, b2 = W[12 * l : 12 * l + 12]
                y = adapt(F.linear(attend(F.linear(x, qkv, qb), (d // H) ** -0.5), out, ob), l, 1)
                x = F.layer_norm(x + y, [d], n1, b1, 1e-12)
                y = adapt(F.linear(F.gelu(F.linear(x, up, ub)), down, db), l, 0)
                x = F.layer_norm(x + y, [d], n2, b2, 1e-12)
            else:
                n1, qkv, out, n2, up, _, down = W[7 * l : 7 * l + 7]
                x = x + adapt(F.linear(attend(F.linear(norm(x, n1), qkv), 1.0), out), l, 1)
                x = x + adapt(F.linear(F.linear(norm(x, n2), up).relu(), down), l, 0)
        return (x if self.family == "bert" else norm(x, W[7 * self.layers])).view(R * S, d)

    def flop(self, rows, length):
        d = self.inner
        per_token = 2 * self.width * (3 * d + d + 2 * self.wide) + 4 * length * d
        return self.layers * per_token * rows * length


def batch(model, rows, length):
    """Equally long sequences: hidden states [N, d], layout, sizes."""
    g = torch.Generator().manual_seed(2)
    tokens = torch.arange(rows * length)
    x = torch.randn(rows * length, model.width, generator=g)
    bias = torch.zeros(rows, 1, 1, length) if model.family == "bert" else torch.randn(1, model.heads, length, length, generator=g).expand(rows, -1, -1, -1).contiguous()
    return x.to(model.device), [t.to(model.device) for t in (tokens, tokens, bias)], [rows, length]


def adapters(model, rows, length, tasks, r=16):
    """Adapters of so many tasks, one row each in turn: tasks with one row go together, others by themselves."""
    g = torch.Generator().manual_seed(3)
    L, d = model.layers, model.width
    tensors = []
    for _ in range(tasks):
        gram = torch.zeros(L, 2, r + 1, r + 1)
        gram[..., r, r] = 1  # divides by 1
        tensors += [0.02 * torch.randn(L, 2, r, d, generator=g), torch.zeros(L, 2, r), gram, 0.02 * torch.randn(L, 2, d, r + 2, generator=g)]
    per = rows // tasks
    blocks, index = [], []
    owners = [row // per for row in range(rows)]
    if per > 1:
        for t in range(tasks):
            blocks += [t * per * length, (t + 1) * per * length, 0, 0, t * per, 0]
    else:
        blocks = [0, rows * length, rows, length, 0, len(tensors)]
        index = [torch.arange(rows * length)] * 2
    return [t.to(model.device) for t in tensors + index], blocks, owners


def seconds(device, works, rounds):
    """Medians of each work's seconds, in turn round after round."""
    times = [[] for _ in works]
    for r in range(-2, rounds):
        for i, work in enumerate(works):
            if device.type == "cuda":
                torch.cuda.synchronize()
            start = time.perf_counter()
            work()
            if device.type == "cuda":
                torch.cuda.synchronize()
            if r >= 0:
                times[i].append(time.perf_counter() - start)
    return times


def device_of(name):
    """cpu, or a GPU that PyTorch sees."""
    try:
        device = torch.device(name)
    except RuntimeError:
        raise argparse.ArgumentTypeError(f"expected cpu, cuda or cuda:N; got {name}")
    if device.type not in ("cpu", "cuda"):
        raise argparse.ArgumentTypeError(f"expected cpu, cuda or cuda:N; got {name}")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise argparse.ArgumentTypeError(f"PyTorch sees {torch.cuda.device_count()} GPUs, not {name}; --device cpu rehearses without one")
    return device


def positive(text):
    if not text.isdigit() or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to 10000; got {text}")
    return int(text)


def writable(text):
    """A file that can be written, told before anything is measured."""
    path = pathlib.Path(text)
    try:
        path.open("a").close()
    except OSError as e:
        raise argparse.ArgumentTypeError(f"cannot write {text}: {e.strerror}")
    return path


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--device", type=device_of, default="cuda", help="cuda or cpu (default: %(default)s)")
    p.add_argument("--tiny", action="store_true", help="small shapes, to see that it runs")
    p.add_argument("--rounds", type=positive, default=7, help="repetitions (default: %(default)s)")
    p.add_argument("--json", type=writable, help="write the numbers here too")
    a = p.parse_args()
    device = a.device
    torch.set_grad_enabled(False)
    torch.backends.cuda.matmul.allow_tf32 = False
    hardware = torch.cuda.get_device_name(0) if device.type == "cuda" else platform.processor() or platform.machine()
    print(f"# {hardware}, torch {torch.__version__}, {time.strftime('%Y-%m-%d')}")
    on_device = torch.jit.load(archive("linear_plain"), map_location=device)
    shapes = {"bge-small": ("bert", 12, 384, 1536, 12, 384), "t5-small": ("t5", 6, 512, 2048, 8, 512)}
    batches = {"bge-small": [(64, 13), (64, 128), (1024, 13)], "t5-small": [(32, 128)]}
    if a.tiny:
        shapes = {"bge-small": ("bert", 2, 32, 64, 4, 32), "t5-small": ("t5", 2, 32, 64, 4, 32)}
        batches = {"bge-small": [(64, 5)], "t5-small": [(8, 5)]}
    rows, ok = [], True

    def say(**row):
        rows.append({"hardware": hardware, "torch": torch.__version__, "date": time.strftime("%Y-%m-%d"), **row})
        print("  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()), flush=True)

    for name, shape in shapes.items():
        one = Model(on_device, *shape, device, F32)
        n = (8, 13) if not a.tiny else (4, 5)
        for tasks in (0, 1, n[0]):
            x, layout, sizes = batch(one, *n)
            some = adapters(one, *n, tasks) if tasks else ((), (), ())
            expected = one.reference(x, layout, sizes, some)
            difference = float((one.run(x, layout, sizes, some).cpu() - expected).abs().max())
            passed = difference <= PARITY * max(1.0, float(expected.abs().max()))
            ok &= passed
            say(bench="parity", model=name, tasks=tasks, difference=difference, passed=passed)
        for kind in (F32, F16, BF16):
            if device.type == "cpu" and kind == F16:
                continue  # this PyTorch may have no such products
            m = Model(on_device, *shape, device, kind)
            typed = {F32: torch.float32, F16: torch.float16, BF16: torch.bfloat16}[kind]
            for count, length in batches[name]:
                x, layout, sizes = batch(m, count, length)
                left = torch.randn(count * length, shape[2], device=device).to(typed)
                right = torch.randn(shape[2], shape[3], device=device).to(typed)
                copies = torch.empty(1 << (20 if a.tiny else 27), device=device)
                target = torch.empty_like(copies)
                works = [lambda: m.run(x, layout, sizes), lambda: [left @ right for _ in range(20)], lambda: target.copy_(copies)]
                mixes = [t for t in (1, 32, 1024) if count % t == 0 and t <= count] if name == "bge-small" and kind != F16 else []
                sets = [adapters(m, count, length, t) for t in mixes]
                works += [lambda s=s: m.run(x, layout, sizes, s) for s in sets]
                times = seconds(device, works, a.rounds)
                median = [statistics.median(t) for t in times]
                flop = m.flop(count, length)
                own = 20 * 2 * count * length * shape[2] * shape[3] / median[1]
                say(bench="layers", model=name, type=NAMES[kind], batch=f"{count}x{length}", texts_per_s=count / median[0],
                    tflops=flop / median[0] / 1e12, of_matmul=flop / median[0] / own, matmul_tflops=own / 1e12,
                    copy_gb_per_s=8 * copies.numel() / median[2] / 1e9)
                for t, seen in zip(mixes, times[3:]):
                    ratio = statistics.median(s / b for s, b in zip(seen, times[0]))
                    say(bench="adapters", model=name, type=NAMES[kind], batch=f"{count}x{length}", tasks=t, of_bare=ratio)
    if a.json:
        a.json.write_text("".join(json.dumps(row) + "\n" for row in rows))
    if not ok:
        sys.exit("parity failed: the kernels' float32 differs from the same layers in plain PyTorch on the CPU")


main()
