"""Which name a header bears, and when it does not say."""

import pytest

from spikegeometry.genomes.names import Names, plain_name


@pytest.mark.parametrize(
    ("names", "header", "found"),
    [
        (["ZZ900000"], "ZZ900000.1 |Severe acute", ["ZZ900000"]),
        (["ZZ900000.1"], "ZZ900000", ["ZZ900000.1"]),
        (["ZZ900000.1"], "ZZ900000.2", []),
        (["ZZ900000.1", "ZZ900000.2"], "ZZ900000.2 x", ["ZZ900000.2"]),
        (["ZZ900000.1", "ZZ900000.2"], "ZZ900000", ["ZZ900000.1", "ZZ900000.2"]),
        (["lab.1"], "lab", []),
        (
            ["hCoV-19/South_Testland/1/2021"],
            "hCoV-19/South Testland/1/2021|2021-03-02",
            ["hCoV-19/South_Testland/1/2021"],
        ),
        (["South Testland/1"], "hCoV-19/South_Testland/1", ["South Testland/1"]),
        (["hCoV-19/Testland/Ab-1"], "Testland/AB-1|x", ["hCoV-19/Testland/Ab-1"]),
        (["a b", "a_b"], "a  b", ["a b", "a_b"]),
        (["a b", "a_b"], "a_b", ["a_b"]),
        (["x", "y"], "x|y", ["x", "y"]),
        (["x", "x|y"], "x|y", ["x|y"]),
        (["Hôpital"], b"H\xf4pital".decode("utf-8", "surrogateescape"), ["Hôpital"]),
        (["Co\u0302te 1"], "C\u00f4te\u00a01", ["Co\u0302te 1"]),
        (["x"], "", []),
        ([""], "|", []),
    ],
)
def test_match(names, header, found):
    assert Names(names).match(header) == found


@pytest.mark.parametrize("name", ["hCoV-19/SARS-CoV-2/human/x y", "BetaCoV/Wuhan/1", "A_b  c"])
def test_plain_names_stay_what_they_are(name):
    assert plain_name(plain_name(name)) == plain_name(name)
