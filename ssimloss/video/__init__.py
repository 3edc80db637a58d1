"""Video clips: VMAF, its features, and its model."""

from ssimloss.video.adm import adm
from ssimloss.video.features import vmaf_features
from ssimloss.video.loss import vmaf_loss, vmaf_neg
from ssimloss.video.motion import motion, motion2
from ssimloss.video.stream import VMAFStream
from ssimloss.video.svr import SVR
from ssimloss.video.vif import vif
from ssimloss.video.vmaf import vmaf

__all__ = [
    "vmaf_loss",
    "vmaf_neg",
    "vmaf",
    "vmaf_features",
    "vif",
    "adm",
    "motion",
    "motion2",
    "SVR",
    "VMAFStream",
]
