"""The stages of samconfig.toml that are on AWS, with the stack, region and parameters of `sam deploy --config-env`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from retail_ops.errors import OpsError
from retail_ops.stack.shop import PROJECT

SAMCONFIG = PROJECT / "samconfig.toml"


@dataclass(frozen=True)
class Stage:
    """A stage as samconfig.toml has it.

    Attributes:
        name: of its sections, such as `prod`.
        stack: name of its stack.
        region: where the stack is; None for that of the usual AWS profile.
        parameters: template parameters that differ from the defaults.
    """

    name: str
    stack: str
    region: str | None
    parameters: Mapping[str, str]


def stages(file: Path = SAMCONFIG) -> Mapping[str, Stage]:
    """All stages but the laptop's, by name."""
    found = {}
    for name, sections in tomllib.loads(file.read_text()).items():
        if name in ("version", "default"):
            continue
        common, deploy = (sections.get(part, {}).get("parameters", {}) for part in ("global", "deploy"))
        given = deploy.get("parameter_overrides", [])
        pairs = (each.split("=", 1) for each in (given.split() if isinstance(given, str) else given))
        found[name] = Stage(
            name,
            deploy.get("stack_name") or common.get("stack_name", ""),
            deploy.get("region") or common.get("region"),
            {key: value.strip("'\"") for key, value in pairs},
        )
    return found


def stage_named(name: str, file: Path = SAMCONFIG) -> Stage:
    """One stage.

    Raises:
        OpsError: there is no stage with that name on AWS. The text lists those that exist.
    """
    known = stages(file)
    if name not in known:
        raise OpsError(f"samconfig.toml has no stage {name} for AWS; it has: {', '.join(known) or 'none'}.")
    return known[name]


def region_of(stack: str, file: Path = SAMCONFIG) -> str | None:
    """The region into which `sam deploy` puts a stack; None if samconfig.toml does not name one."""
    return next((stage.region for stage in stages(file).values() if stage.stack == stack), None)
