"""Values of a configuration by key (``section`` or ``section.key``), as they are and as manifests hold them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from deepsf.config import Config, ConfigError, EfficiencyConfig

AnyConfig = Config | EfficiencyConfig

_plain_values: dict[tuple[int, str], tuple[AnyConfig, Any]] = {}


def value_of(config: AnyConfig, key: str) -> Any:
    """Return a section or value.

    Raises
    ------
    ConfigError
        If there is none; the message says what kind of configuration this is.
    """
    value: Any = config
    parts = key.split(".")
    for number, part in enumerate(parts):
        if value is None or (value is config and part not in type(config).model_fields):
            raise ConfigError(f"the configuration has no {key}: {_why_absent(config, '.'.join(parts[:number]))}")
        value = value[part] if isinstance(value, dict) else getattr(value, part)
    return value


def plain_value_of(config: AnyConfig, key: str) -> Any:
    """Return a section or value as JSON has it; worked out once for all branches."""
    known = _plain_values.get((id(config), key))
    if known is None or known[0] is not config:
        known = _plain_values[id(config), key] = (config, _plain(value_of(config, key)))
    return known[1]


def covers(keys: tuple[str, ...], key: str) -> bool:
    """Return whether a key is one of ``keys`` or lies in a section that is."""
    return any(key == declared or key.startswith(f"{declared}.") for declared in keys)


def _why_absent(config: AnyConfig, section: str) -> str:
    """Return in words what a configuration without a section is, and the way out; "" stands for the whole file."""
    if section not in ("", "efficiency"):
        return f"it has no section {section}; write that, or choose another with --config"
    kind = "of efficiencies alone" if isinstance(config, EfficiencyConfig) else "without efficiencies"
    return f"it is one {kind}; choose another with --config"


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
