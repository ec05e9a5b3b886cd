"""What is to be done with every image of a batch, and when a result that is there already is one of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_zeroshot.engine import provenance
from napari_zeroshot.engine.cluster import Cluster
from napari_zeroshot.engine.image import Image
from napari_zeroshot.engine.method import Method
from napari_zeroshot.engine.plan import Plan, checked_axes, planned
from napari_zeroshot.engine.registry import get_method
from napari_zeroshot.engine.run import denoise_steps

SMALL = 64
"""Side of a plane that every method takes, in pixels."""

DEFAULTS = {"axes": None, "preset": None, "device": "auto", "seed": 0, "threads": None, "stack": "shared", "dtype": "same", "nan": "refuse", "memory": None}
"""Of `denoise_steps`, which a batch takes."""
IN_RECORD = ("stack", "seed", "dtype", "nan")
"""Of these, what a result's record holds by the same name and its pixels depend on."""


@dataclass(frozen=True)
class StandingOrder:
    """What is to be done with every image.

    Parameters
    ----------
    asked
        Every parameter as preset and options give it; what is ``auto`` in it is decided for each image.
    options, params
        As given to `batch_steps`: those of the run, by the names of `DEFAULTS`, and single parameters of the method.
    form
        What is asked of the files written beside their ending: the ``version`` of OME-Zarr.
    where
        Does the work instead of this process.
    """

    method: Method
    asked: Mapping[str, Any]
    options: Mapping[str, Any]
    params: Mapping[str, Any]
    form: Mapping[str, Any]
    where: Cluster | None = None

    def plan(self, image: Image) -> Plan:
        """How the method is run on an image of this form."""
        run = {name: self.options[name] for name in ("preset", "device", "threads", "stack", "memory")}
        decide = planned if self.where is None else self.where.planned
        return decide(self.method.name, checked_axes(image.array, image.axes), tile=None, params=self.params, **run)

    def terms(self, image: Image, plan: Plan, stamp: Mapping[str, Any]) -> dict[str, Any]:
        """All that the pixels of a result depend on."""
        versions = {name: version for name, version in provenance.versions().items() if name != "python"}
        run = {name: self.options[name] for name in (*IN_RECORD, "threads", "memory")}
        form = {"axes": image.axes, "shape": list(image.array.shape), "type": np.dtype(image.array.dtype).name}
        return {
            **form,
            **{f"ome-zarr {name}": value for name, value in self.form.items()},
            **stamp,
            "method": self.method.name,
            **plan.params.to_dict(),
            **run,
            "processor": plan.device.name,
            **versions,
        }

    def made(self, record: Mapping[str, Any], stamp: Mapping[str, Any]) -> bool:
        """Whether a record is of a complete run of this order on the file with this stamp."""
        source, params = record.get("source"), record.get("params")
        if not isinstance(source, Mapping) or not isinstance(params, Mapping) or record.get("complete") is not True:
            return False
        wanted = {name: self.options[name] for name in IN_RECORD} | {"method": self.method.name}
        if source.get("dtype") == "float32":
            wanted["dtype"] = "same"  # as a run says of float32 from float32
        asked = {name: value for name, value in self.asked.items() if value != "auto"}  # what was decided then may be decided otherwise now
        planned = record.get("instead_of")
        params = {**params, **(planned if isinstance(planned, Mapping) else {})}
        return _holds(record, wanted) and _holds(params, asked) and _holds(source, stamp) and self.options["axes"] in (None, record.get("axes"))


def standing_order(method: str, given: Mapping[str, Any], *, form: Mapping[str, Any], elsewhere: bool) -> StandingOrder:
    """The order that the options of `batch_steps` come to.

    Parameters
    ----------
    elsewhere
        Whether the work is to be done elsewhere, so that the devices there are not known yet.

    Raises
    ------
    ParamError, DeviceError
        As `denoise_steps` raises for any image.
    """
    chosen = get_method(method)
    options = {name: given[name] for name in DEFAULTS}
    params = {name: value for name, value in given.items() if name not in DEFAULTS}
    tiny = np.zeros((SMALL, SMALL), np.uint8)
    here = {"axes": None} | ({"device": "cpu"} if elsewhere else {})
    denoise_steps(tiny, method, **{**options, **here}, **params)  # computes nothing; tells what is wrong once, not for every image
    options["axes"] = options["axes"].upper() if options["axes"] else None
    return StandingOrder(chosen, chosen.settings(options["preset"], params).to_dict(), options, params, form)


def _holds(record: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(name in record and record[name] == value for name, value in wanted.items())
