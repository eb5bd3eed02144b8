"""Frames of ZSTD with a checksum: ordinary readers take them, and see every flipped bit."""

import cramjam
import numpy as np
import pytest
import uproot

from deepsf.generator.compression import ChecksummedZSTD

VALUES = np.random.default_rng(1).normal(50.0, 20.0, 5000).astype("f4")


def test_any_reader_of_zstd_takes_the_frame_and_sees_every_flipped_bit():
    frame = ChecksummedZSTD(1).compress(VALUES.tobytes())
    assert bytes(cramjam.zstd.decompress(frame)) == VALUES.tobytes()
    rng = np.random.default_rng(2)
    for position in rng.choice(len(frame), 300, replace=False):
        damaged = bytearray(frame)
        damaged[position] ^= 1 << int(rng.integers(8))
        with pytest.raises(cramjam.DecompressionError):
            cramjam.zstd.decompress(bytes(damaged))


def test_files_are_those_of_zstd_but_for_four_bytes_a_basket(tmp_path):
    def write(name, compression):
        with uproot.recreate(tmp_path / name, compression=compression) as file:
            file.mktree("tree", {"x": VALUES.dtype}).extend({"x": VALUES})
        with uproot.open(tmp_path / name) as file:
            branch = file["tree"]["x"]
            return branch.array(library="np"), branch.basket_key(0).fNbytes, file.file.fCompress

    values, size, code = write("with.root", ChecksummedZSTD(1))
    assert np.array_equal(values, VALUES)
    _, plain_size, plain_code = write("without.root", uproot.ZSTD(1))
    assert (size, code) == (plain_size + 4, plain_code)
