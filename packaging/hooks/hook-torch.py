"""What of torch the program needs: its modules as bytecode without their sources, and its own shared libraries.

Used instead of the hook that comes with PyInstaller, which also takes torch's tests and tools, and the source of every
module. Sources are kept only where torch reads its own at run time.
"""

import re
from pathlib import Path

from PyInstaller.utils.hooks import (
    PY_DYLIB_PATTERNS,
    collect_data_files,
    collect_dynamic_libs,
    collect_submodules,
    get_package_paths,
)

_OMITTED = re.compile(
    r"torch\.(testing\._internal\.(?!_?common_|logging_|opinfo|composite|jit|generated|test_|static)|utils\.(tensorboard|benchmark|model_dump)|onnx"
    r"|_inductor\.(codegen|kernel|autoheuristic|fx_passes\.serialized_patterns)\b)"
)
_TEST_LIBRARY = re.compile(r"(torchbind_test|jitbackend_test|backend_with_compiler|aoti_custom_ops)")


def _reads_its_own_source() -> list[str]:
    """Modules whose options torch finds in the comments of their source."""
    root = Path(get_package_paths("torch")[1])
    files = (path for path in root.rglob("*config*.py") if "testing" not in path.parts)
    marked = (path for path in files if "install_config_module(" in path.read_text(encoding="utf-8"))
    return [".".join(path.relative_to(root.parent).with_suffix("").parts) for path in marked]


hiddenimports = collect_submodules("torch", filter=lambda name: not _OMITTED.match(name))
warn_on_missing_hiddenimports = False
module_collection_mode = {"torch": "pyz"} | dict.fromkeys(_reads_its_own_source(), "py")
datas = collect_data_files(
    "torch",
    excludes=["include", "share", "test", "bin", "lib", "**/*.h", "**/*.hpp", "**/*.cpp", "**/*.pyi", "**/*.cuh"],
)
binaries = [
    (source, target)
    for source, target in collect_dynamic_libs("torch", search_patterns=[*PY_DYLIB_PATTERNS, "*.so.*"])
    if not _TEST_LIBRARY.search(source) and "/test/" not in source.replace("\\", "/")
]
_manager = Path(get_package_paths("torch")[1], "bin", "torch_shm_manager")
if _manager.is_file():  # tensors that processes share need it
    binaries.append((str(_manager), "torch/bin"))
bindepend_symlink_suppression = ["**/torch/lib/*.so*"]
