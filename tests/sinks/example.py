"""The example sink of CONTRIBUTING.md as the modules that its code would be."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
_BLOCK: Final = re.compile(r"^```python\n# ([a-z_/]+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def files() -> dict[str, str]:
    """Return the code of each file of the example, by its path."""
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    return {found[1]: found[2] for found in _BLOCK.finditer(page)}


def loaded() -> dict[str, ModuleType]:
    """Return the files as modules, which from then on can be imported."""
    made: dict[str, ModuleType] = {}
    for path, code in files().items():
        assert not (ROOT / path).exists(), f"{path} is no example any more"
        name = path.removesuffix(".py").replace("/", ".")
        module = sys.modules.get(name)
        if module is None:
            module = sys.modules[name] = ModuleType(name)
            exec(compile(code, f"CONTRIBUTING.md: {path}", "exec"), module.__dict__)
        made[path] = module
    return made


def example_case() -> Any:
    """Return the example's case of the behaviour suite."""
    return loaded()["tests/sinks/gotify_case.py"].gotify_case
