"""Fingerprints of texts: recorded of TensorFlow 2.21 (to_hash_bucket_fast, to_hash_bucket_strong, sparse.cross_hashed)."""

import numpy as np
import pytest

from fastkeras.utils.fingerprints import CROSS_KEY, crossed, fingerprints, keyed

PRIME = 2 ** 61 - 1
TEXTS = [bytes((7 * k + n) % 256 for k in range(n)) for n in (0, 1, 3, 4, 7, 8, 16, 17, 32, 33, 64, 65, 128, 129, 192, 200)]
FAST = [1936946117179621459, 550085751958558784, 50737162503519590, 74291032824012398, 1092522873944805647,
        1097805095216316973, 663651183927826908, 819167355142162070, 1686477341507976058, 927855661718141650,
        1859692024977922288, 444801980686921533, 2003798058489048527, 455335815384283849, 143235324956308387,
        202520530910294351]
STRONG = [627925448540256812, 1027107909019040509, 736891910242976724, 1024560197411430436, 903373390684388601,
        269764210816290512, 1895578475858415721, 1686960021132176809, 1278612981028500883, 1689775620366886480,
        1196073947000899273, 791570300817211229, 612108807356359167, 812107937888389405, 92131429288055040,
        1509290347878366233]


def test_farmhash_of_every_branch_of_length():
    assert (fingerprints(TEXTS) % np.uint64(PRIME)).tolist() == FAST
    assert (fingerprints(TEXTS[::-1]) % np.uint64(PRIME)).tolist() == FAST[::-1]


def test_siphash():
    assert (keyed(TEXTS, [133, 2 ** 63 + 137]) % np.uint64(PRIME)).tolist() == STRONG


def test_siphash_of_its_paper():
    key = int.from_bytes(bytes(range(8)), 'little'), int.from_bytes(bytes(range(8, 16)), 'little')
    assert keyed([bytes(range(15))], key)[0] == 0xa129ca6149be45e5


def test_crossing_and_no_texts():
    first = np.full(2, np.uint64(CROSS_KEY))
    found = crossed(crossed(first, fingerprints([b'abc', b'de'])), np.array([5, -3]).view(np.uint64))
    assert (found % np.uint64(2 ** 40 + 7)).tolist() == [761283318054, 503311491167]
    assert fingerprints([]).shape == (0,)


@pytest.mark.parametrize('n', [1, 50])
def test_a_text_alone_and_among_others(n):
    text = b'x' * 77
    assert (fingerprints([text] * n) == fingerprints([text])[0]).all()
