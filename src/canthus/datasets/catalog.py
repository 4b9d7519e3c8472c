"""The public data sets that can be read as they are published, and where they come from.

Nothing here is downloaded for anybody: most sets ask for a signature or a purpose, so each entry
says what to fetch from where, under which terms, and which folder to point to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from canthus.datasets.sample import Sample


class Reader(Protocol):
    """What the module of a data set holds."""

    SPLITS: Mapping[str, int]

    def read(self, root: Path, split: str) -> list[Sample]:
        """The samples of a split."""
        ...


NO_COUNTS: Mapping[str, Mapping[str, int]] = {}  # of a reader that has no COUNTS


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A public data set.

    Attributes:
        name: what commands call it.
        title: its own name, and who made it.
        scheme: of its landmarks.
        source: where it is published.
        files: what to fetch from there, and which folder is the root.
        terms: what its makers allow.
        module: of this room, that reads it.
    """

    name: str
    title: str
    scheme: str
    source: str
    files: str
    terms: str
    module: str

    @property
    def splits(self) -> Mapping[str, int]:
        """The names of the splits and how many faces each officially has; 0 if nobody says."""
        return self._reader().SPLITS

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """By split, how many of its faces officially have a tag, as far as somebody says."""
        return cast(Mapping[str, Mapping[str, int]], getattr(self._reader(), "COUNTS", NO_COUNTS))

    def read(self, root: Path, split: str) -> list[Sample]:
        """Read the annotations of a split; the pictures stay on disk.

        Args:
            root: the folder as published.
            split: one of `splits`.

        Raises:
            ValueError: naming the splits, if it is none of them.
            DatasetError: naming file and line that are not in the published layout.
        """
        return self._reader().read(root, split)

    def _reader(self) -> Reader:
        return cast(Reader, import_module(f"canthus.datasets.{self.module}"))


_ENTRIES = (
    DataSet(
        name="wflw",
        title="WFLW, Wider Facial Landmarks in the Wild (Wu et al., CVPR 2018)",
        scheme="98",
        source="https://wywu.github.io/projects/LAB/WFLW.html",
        files="WFLW_images.tar.gz and WFLW_annotations.tar.gz, unpacked side by side in the root",
        terms="research only, not to be passed on",
        module="wflw",
    ),
    DataSet(
        name="300w",
        title="300-W (Sagonas et al., ICCV-W 2013, IMAVIS 2016)",
        scheme="68",
        source="https://ibug.doc.ic.ac.uk/resources/300-W/",
        files="afw, helen, lfpw, ibug and, for the private set, 300w.zip with 01_Indoor and "
        "02_Outdoor, all in the root",
        terms="non-commercial research",
        module="w300",
    ),
    DataSet(
        name="cofw",
        title="COFW, Caltech Occluded Faces in the Wild (Burgos-Artizzu et al., ICCV 2013)",
        scheme="29",
        source="https://data.caltech.edu/records/bc0bf-nc666",
        files="COFW_train_color.mat and COFW_test_color.mat in the root",
        terms="research only",
        module="cofw",
    ),
    DataSet(
        name="cofw68",
        title="COFW-68 (Ghiasi and Fowlkes, 2015)",
        scheme="68",
        source="https://github.com/golnazghiasi/cofw68-benchmark",
        files="test_annotations/ and cofw68_test_bboxes.mat in the root, with COFW's "
        "COFW_test_color.mat",
        terms="research only",
        module="cofw68",
    ),
    DataSet(
        name="aflw19",
        title="AFLW, 19 points (Koestinger et al., 2011; annotation by Zhu et al., CVPR 2016)",
        scheme="19",
        source="https://www.tugraz.at/institute/icg/research/team-bischof/lrs/downloads/aflw/",
        files="flickr/ of AFLW, and AFLWinfo_release.mat from "
        "http://mmlab.ie.cuhk.edu.hk/projects/compositional.html, in the root",
        terms="after signing up, non-commercial research",
        module="aflw19",
    ),
    DataSet(
        name="aflw21",
        title="AFLW, 21 points as annotated (Koestinger et al., 2011)",
        scheme="21",
        source="https://www.tugraz.at/institute/icg/research/team-bischof/lrs/downloads/aflw/",
        files="aflw.sqlite and flickr/ in the root",
        terms="after signing up, non-commercial research",
        module="aflw21",
    ),
    DataSet(
        name="aflw2000-3d",
        title="AFLW2000-3D (Zhu et al., CVPR 2016)",
        scheme="68",
        source="http://www.cbsr.ia.ac.cn/users/xiangyuzhu/projects/3DDFA/main.htm",
        files="the imageNNNNN.jpg and .mat of AFLW2000-3D.zip in the root; for the paper's bins "
        "and the points annotated again also AFLW2000-3D-new.pose.npy and "
        "AFLW2000-3D-Reannotated.pts68.npy from https://github.com/cleardusk/3DDFA",
        terms="research only",
        module="aflw2000",
    ),
    DataSet(
        name="300w-lp",
        title="300W-LP, 300-W turned to large poses (Zhu et al., CVPR 2016)",
        scheme="68",
        source="http://www.cbsr.ia.ac.cn/users/xiangyuzhu/projects/3DDFA/main.htm",
        files="AFW, HELEN, IBUG, LFPW, their _Flip folders and landmarks/ in the root",
        terms="research only",
        module="w300lp",
    ),
    DataSet(
        name="menpo",
        title="Menpo 2D (Zafeiriou et al., CVPR-W 2017; Deng et al., IJCV 2019)",
        scheme="68",
        source="https://ibug.doc.ic.ac.uk/resources/2nd-facial-landmark-tracking-competition-menpo-ben/",
        files="pictures and .pts in folders named semifrontal and profile, below trainset and "
        "testset; profile faces (39 points) are refused",
        terms="research only",
        module="menpo",
    ),
    DataSet(
        name="merl-rav",
        title="MERL-RAV, AFLW with 68 points and their visibility (Kumar et al., CVPR 2020)",
        scheme="68",
        source="https://github.com/abhi1kumar/MERL-RAV_dataset",
        files="merl_rav_labels/ in the root, and AFLW's pictures in aflw/flickr, flickr or images",
        terms="labels for research; the pictures under AFLW's terms",
        module="merl_rav",
    ),
    DataSet(
        name="lapa",
        title="LaPa, landmark guided face parsing (Liu et al., AAAI 2020)",
        scheme="106jd",
        source="https://github.com/JDAI-CV/lapa-dataset",
        files="train/, val/ and test/, each with images/, labels/ and landmarks/, in the root",
        terms="non-commercial research",
        module="lapa",
    ),
    DataSet(
        name="jd106",
        title="JD-landmark, 106 points (Liu et al., ICME-W 2019)",
        scheme="106jd",
        source="https://fllc-icpr2020.github.io/home/",
        files="the folders picture, landmark and rect of the challenge, below the root",
        terms="those of the challenge",
        module="jd106",
    ),
)

DATASETS: Mapping[str, DataSet] = {entry.name: entry for entry in _ENTRIES}
