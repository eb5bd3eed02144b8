"""Which sources move together in all eras: by their kind, or as the config says."""

import pytest

from deepsf.exports.correlations import correlation_text, is_correlated


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        *((source, True) for source in ("hf", "lf", "cferr1", "cferr2", "pileup", "genscale", "psisr", "psfsr")),
        *((source, True) for source in ("jesAbsolute", "jesFlavorQCD", "jesRelativeBal", "jesBBEC1")),
        *((source, False) for source in ("jesAbsolute_2018", "jesRelativeSample_2016preVFP", "jesHF2017")),
        *((source, False) for source in ("jer", "jer0", "hfstats1", "lfstats2", "stat1", "stat12")),
        *((source, None) for source in ("jesTotal", "jes", "charm", "prefiring", "hfx", "cferr3")),
    ],
)
def test_kinds_are_correlated_as_cms_combines_years(source, expected):
    assert is_correlated(source) is expected


def test_what_a_name_does_not_tell_is_not_called_uncorrelated():
    text = correlation_text(["lf", "jes", "jer", "charm"], None)
    assert text == "Correlated between eras: lf; not correlated: jer; not known: jes, charm."
    assert correlation_text(["lf"], None) == "Correlated between eras: lf; not correlated: none."


def test_the_config_has_the_last_word():
    text = correlation_text(["lf", "jes", "jer"], ("jes", "jer"))
    assert text == "Correlated between eras: jes, jer; not correlated: lf."
