"""Other libraries that use the environments: skipped where a library is not installed; `make clients` installs them."""

from importlib.util import find_spec

import pytest


def needs(*modules: str) -> list[pytest.MarkDecorator]:
    """Returns the marks of tests of a client: skipped without its modules; its own warnings are no errors of ours."""
    missing = ", ".join(name for name in modules if find_spec(name) is None)
    reason = f"not installed here: {missing} (`make clients` installs other libraries and runs these tests)"
    return [pytest.mark.skipif(bool(missing), reason=reason), pytest.mark.filterwarnings("ignore")]
