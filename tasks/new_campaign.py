"""`NewCampaign`: writes the config of a campaign from the files that it is to have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import law
import luigi

from deepsf.config import Config, ConfigError
from tasks.framework import settings
from tasks.framework.sample_files import files_of


class NewCampaign(law.Task):
    """Writes a commented config for files that it looks into, on top of the shipped campaign of their era.

    ``law run NewCampaign --files /data/EGamma,/data/TTto2L2Nu --path my_campaign.yaml``; patterns need quotes.
    """

    files = law.CSVParameter(description="entries as in `files` of a sample: folders, patterns, addresses")
    path = luigi.Parameter(description="where the config is written; a file that is there is not replaced")
    era = luigi.Parameter(default="", description="shipped campaign to start from; by default that of the data's runs")
    ran = False

    def complete(self) -> bool:
        return self.ran

    def run(self) -> None:
        from deepsf.nanoaod.new_campaign import campaign_text
        from deepsf.nanoaod.survey import look_into

        place = Path(str(self.path)).absolute()
        if place.exists():
            raise ConfigError(f"--path {self.path}: this file exists; remove it, or write to another one")
        contents = [look_into(path) for path in files_of(self.files)]
        name = self.era or _era_of(contents)
        if name not in shipped_eras():
            raise ConfigError(f"--era {name}: no such campaign; there are {', '.join(shipped_eras())}")
        config = _config(name)
        configs = settings.base() / "configs"
        text = campaign_text(contents, _era(name, config), config, f"{configs / name}.yaml", f"{configs}/schema.json")
        place.write_text(text)
        self.publish_message(f"{place}: {len(contents)} files, from the campaign {name}; look at what is marked CHECK")
        self.ran = True


def shipped_eras() -> list[str]:
    """Return the names of the shipped campaigns of real data."""
    folder = settings.base() / "configs"
    return sorted(path.stem for pattern in ("cms_*", "opendata_*") for path in folder.glob(f"{pattern}.yaml"))


def _config(name: str) -> Config:
    config = settings.config(name)
    assert isinstance(config, Config)
    return config


def _era(name: str, config: Config) -> Any:
    from deepsf.nanoaod.survey import Era

    return Era(
        name,
        config.campaign.runs,
        {sample: section.kind for sample, section in config.samples.items()},
        {sample: [_data_set(file) for file in section.files] for sample, section in config.samples.items()},
    )


def _data_set(pattern: str) -> str:
    """Return ``A/B`` of a pattern of the files of data set /A/B/C, ``$DEEPSF_NANOAOD/A/B/C/**/*.root``."""
    return "/".join(part for part in pattern.split("/") if not part.startswith(("$", "root:")))


def _era_of(contents: list[Any]) -> str:
    """Return the only era that the data can be of."""
    from deepsf.nanoaod.survey import era_of

    names = era_of(contents, [_era(name, _config(name)) for name in shipped_eras()])
    if len(names) != 1:
        runs = [content.runs for content in contents if content.runs is not None]
        of_data = f"runs {min(a for a, _ in runs)} to {max(b for _, b in runs)}" if runs else "no data"
        fits = f"the eras {', '.join(names)}" if names else "no shipped era"
        raise ConfigError(
            f"the files hold {of_data}, which fits {fits}; name one of {', '.join(shipped_eras())} by --era"
        )
    return names[0]
