"""Compiles StableHLO programs with XLA:GPU for an H100 on a machine without a GPU, in a process of its own.

One JSON request per line on stdin, one JSON answer per line on stdout. Needs jax 0.10.2 with its plugin for CUDA, and
nothing of dgm_zoo: `common.Worker` starts it with the interpreter that has them.

    pip install jax==0.10.2
    pip install --no-deps jax-cuda12-plugin==0.10.2 jax-cuda12-pjrt==0.10.2 nvidia-cuda-nvcc-cu12

    {"do": "hello", "threads": 2}                             -> {"python": ..., "jax": ..., "device": ...}
    {"do": "compile", "program": "x.mlirbc", "text": "x.hlo"} -> {"seconds": ..., "temporary_bytes": ..., ...}, after
                                                                 it wrote the optimised HLO; or {"error": ...}

XLA compiles for a description of the device, so it chooses no kernel by timing it, and knows nothing of the device's
libraries. The interfaces are jax's private ones, so that other versions of jax may lack them.
"""

import importlib.metadata
import json
import os
import platform
import sys
import time

os.environ.setdefault("JAX_SKIP_CUDA_CONSTRAINTS_CHECK", "1")
ANSWERS, sys.stdout = sys.stdout, sys.stderr  # before jax is imported, which might print

from jax._src.interpreters import mlir  # noqa: E402
from jax._src.lib import xla_client  # noqa: E402
from jax.experimental import topologies  # noqa: E402
from jaxlib.mlir.dialects import stablehlo  # noqa: E402

H100 = """
gpu_device_info { threads_per_block_limit: 1024 threads_per_warp: 32 shared_memory_per_block: 49152
  shared_memory_per_core: 233472 threads_per_core_limit: 2048 core_count: 132 fpus_per_core: 128
  block_dim_limit_x: 2147483647 block_dim_limit_y: 65535 block_dim_limit_z: 65535 memory_bandwidth: 3352320000000
  l2_cache_size: 52428800 clock_rate_ghz: 1.98 device_memory_size: 84929347584 shared_memory_per_block_optin: 232448
  cuda_compute_capability { major: 9 } registers_per_core_limit: 65536 registers_per_block_limit: 65536 }
platform_name: "CUDA" dnn_version_info { major: 9 minor: 7 } runtime_version { major: 12 minor: 8 patch: 0 }
device_description_str: "NVIDIA H100 80GB HBM3"
"""


def without_copies(operation):
    """Removes TensorFlow's `mhlo.copy` operations, which hint at layouts and which this way to XLA refuses."""
    for region in operation.regions:
        for block in region.blocks:
            for one in list(block.operations):
                if one.operation.name == "mhlo.copy":
                    one.operation.results[0].replace_all_uses_with(one.operation.operands[0])
                    one.operation.erase()
                else:
                    without_copies(one.operation)


def compiled(topology, program, text):
    """Compiles the program of a file, writes its optimised HLO to the file `text`, and returns its memory."""
    context, start = mlir.make_ir_context(), time.perf_counter()
    with open(program, "rb") as file:
        module = stablehlo.deserialize_portable_artifact(context, file.read())
    with context:
        without_copies(module.operation)
    devices = tuple(topology.devices)
    executable = devices[0].client.compile(module, xla_client.DeviceList(devices), xla_client.CompileOptions())
    seconds, memory = time.perf_counter() - start, executable.get_compiled_memory_stats()
    with open(text, "w", encoding="utf-8") as file:
        file.write(executable.hlo_modules()[0].to_string())
    return {
        "seconds": seconds, "temporary_bytes": memory.temp_size_in_bytes,
        "argument_bytes": memory.argument_size_in_bytes, "output_bytes": memory.output_size_in_bytes,
        "code_bytes": memory.generated_code_size_in_bytes,
    }


def main():
    topology = topologies.get_topology_desc(platform="cuda", target_config=H100, topology="1x1x1")
    names = ("jax", "jaxlib", "jax-cuda12-plugin", "nvidia-cuda-nvcc-cu12")
    versions = {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in names},
                "device": topology.devices[0].device_kind}
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "hello":
            answer = versions
        else:
            try:
                answer = compiled(topology, request["program"], request["text"])
            except Exception as error:  # of any kind that XLA raises: the benchmark lists it
                answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=ANSWERS, flush=True)


if __name__ == "__main__":
    main()
