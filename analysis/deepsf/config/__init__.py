"""Campaign configuration: YAML files checked by pydantic.

``load(path)`` returns a frozen `Config`, or `EfficiencyConfig`; every problem of a file is reported at once in a
`ConfigError`.
"""

from deepsf.config.loading import load, schema_of
from deepsf.config.schema import Config, EfficiencyConfig
from deepsf.config.yaml_file import ConfigError

__all__ = ["Config", "ConfigError", "EfficiencyConfig", "load", "schema_of"]
