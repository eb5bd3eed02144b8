"""Campaign configuration: YAML files checked by pydantic.

``load(path)`` returns a frozen `Config`; every problem of a file is reported at once in a `ConfigError`.
"""

from analysis.config.loading import ConfigError, load
from analysis.config.schema import Config

__all__ = ["Config", "ConfigError", "load"]
