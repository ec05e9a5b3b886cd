"""The Denoise dock sends its run to a cluster: watched, cancelled and ended like one in this program, and with the same pixels."""

import re
import sys

import dask.array
import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from napari_zeroshot.engine import post
from napari_zeroshot.engine.cluster import UNHEARD
from napari_zeroshot.engine.errors import DeviceError
from napari_zeroshot.engine.run import denoise
from napari_zeroshot.widgets import denoise as dock_module
from napari_zeroshot.widgets import filling, habits
from napari_zeroshot.widgets.result_commands import copy_command_line, copy_python, run_again

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.gui

STEPS = {"steps": 20, "device": "cpu", "threads": 1}


@pytest.fixture(scope="module")
def address():
    """Of a cluster of two workers within this process."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None, scheduler_kwargs=UNHEARD) as local:
        yield local.scheduler_address


@pytest.fixture
def idle():
    """Of a cluster without a worker."""
    with distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=None, scheduler_kwargs=UNHEARD) as local:
        yield local.scheduler_address


@pytest.fixture
def told(monkeypatch):
    """The errors that were notified."""
    told = []
    monkeypatch.setattr(dock_module, "show_error", told.append)
    return told


@pytest.fixture
def planes(noisy):
    """Three planes, the axes of which have names."""
    return np.stack([noisy, noisy + 1, noisy + 2])


def sent_to(dock, scheduler, planes, steps=20):
    """The dock with these planes, ready to send them there."""
    dock.viewer.add_image(planes, name="noisy", axis_labels=("t", "y", "x"))
    dock.quick(steps=steps)
    dock["device"].setCurrentText("cpu")
    dock["cluster"].setCurrentText(scheduler)
    return dock


def without_time(record):
    return {name: value for name, value in record.items() if name not in ("seconds", "created")}


def test_run_on_a_cluster_gives_the_layer_pixels_and_record_of_one_here(dock, address, planes):
    sent_to(dock, address, planes).press("run")
    assert "cluster does the work" in dock.message
    dock.until_over()
    expected = denoise(planes, "zs-n2n", axes="TYX", source={"name": "noisy"}, **STEPS)
    result = dock.viewer.layers[-1]
    assert dock.names() == ["noisy", "noisy · ZS-N2N · 20 steps"], dock.message
    np.testing.assert_array_equal(result.data, expected.image)
    assert not dock["keep"].isEnabled()
    assert without_time(result.metadata["napari-zeroshot"]) == without_time(expected.provenance())


def test_what_is_copied_and_run_again_has_the_threads_of_the_workers(dock, address, planes):
    sent_to(dock, address, planes).press("run")
    dock.until_over()
    first = dock.viewer.layers[-1]
    copy_python(dock.viewer)
    assert "threads=1" in QApplication.clipboard().text()
    copy_command_line(dock.viewer)
    assert "--threads 1" in QApplication.clipboard().text()
    again = []
    run_again(dock.viewer).over.connect(lambda: again.append(dock.viewer.layers[-1]))
    dock.until(lambda: bool(again))
    assert again[0] is not first
    np.testing.assert_array_equal(again[0].data, first.data)


def test_estimate_says_where_the_run_goes_and_promises_no_seconds(dock, planes):
    sent_to(dock, "", planes).press("run")
    dock.until_over()
    assert "About" in dock["estimate"].text()
    dock["cluster"].setCurrentText("tcp://far:8786")
    assert "on the cluster tcp://far:8786" in dock["estimate"].text()
    assert "bout" not in dock["estimate"].text()
    dock["cluster"].setCurrentText("local:2")
    assert "processes of this computer" in dock["estimate"].text()
    dock["cluster"].setCurrentText("nowhere")
    assert "tcp://host:8786" in dock.message
    assert not dock["run"].isEnabled()


def test_large_lazy_image_fills_its_layer_from_the_cluster(dock, address, planes, monkeypatch):
    monkeypatch.setattr(filling, "LARGE", 0)
    sent_to(dock, address, dask.array.from_array(planes, chunks=(1, 24, 20))).press("run")
    assert len(dock.names()) == 2
    dock.until_over()
    result = dock.viewer.layers[-1]
    np.testing.assert_array_equal(np.asarray(result.data), denoise(planes, "zs-n2n", axes="TYX", **STEPS).image)


def test_preview_is_made_here_wherever_runs_go(dock, planes):
    sent_to(dock, "tcp://nobody.invalid:1", planes).press("preview")
    dock.until(lambda: "Previewed" in dock.message)
    assert "preview" in dock.names()


def test_cancel_keeps_finished_planes_and_leaves_the_others_as_they_were(dock, address, noisy):
    many = np.stack([noisy + at for at in range(60)])  # takes long enough to be caught at it
    sent_to(dock, address, many)
    dock["stack"].setCurrentIndex(dock["stack"].findData("warm"))
    dock.press("run")
    dock.until(lambda: re.search(r"plane \d+/60|[1-9]\d* of 60 planes done", dock["progress"].text()) is not None)
    dock.press("cancel")
    assert dock["cancel"].text() == "Cancelling…"
    dock.until_over()
    record = dock.viewer.layers[-1].metadata["napari-zeroshot"]
    assert "Cancelled" in dock.message
    assert (record["complete"], 1 <= record["planes_done"] < 60) == (False, True)
    np.testing.assert_array_equal(dock.viewer.layers[-1].data[-1], many[-1])


def test_closing_the_dock_ends_the_run_there_too(dock, address, planes):
    sent_to(dock, address, planes, steps=100_000).press("run")
    dock.until(lambda: "training" in dock["progress"].text())
    dock.viewer.window.remove_dock_widget(dock.widget)
    dock.until_quiet()
    with distributed.Client(address, set_as_default=False) as client:
        dock.until(lambda: not any(client.processing().values()))
    assert dock.names() == ["noisy"]


def test_without_a_worker_the_run_waits_and_cancelling_says_what_to_do(dock, idle, planes, told):
    sent_to(dock, idle, planes).press("run")
    dock.until(lambda: "waiting for a worker" in dock["progress"].text())
    assert dock.names() == ["noisy"]
    dock.press("cancel")
    dock.until_over()
    assert len(told) == 1
    assert "dask worker" in told[0]
    assert dock["run"].isEnabled()


def test_lost_cluster_is_one_notification_what_was_finished_is_kept_and_the_next_run_works(dock, address, planes, told, monkeypatch):
    came = []

    def lost_at_the_third(future):
        came.append(future)
        if len(came) == 3:
            raise DeviceError(post.LOST)
        return future.result()

    sent_to(dock, address, planes)["stack"].setCurrentIndex(1)
    with monkeypatch.context() as patch:
        patch.setattr(post, "fetched", lost_at_the_third)
        dock.press("run")
        dock.until_over()
    assert len(told) == 1
    assert "connection to the cluster was lost" in told[0]
    assert "2 of 3 planes are denoised, the others are empty" in dock.message
    assert sum(bool(plane.any()) for plane in dock.viewer.layers[-1].data) == 2
    dock["cluster"].setCurrentText("")
    dock.viewer.layers["noisy"].visible = True
    dock.press("run")
    dock.until_over()
    assert all(plane.any() for plane in dock.viewer.layers[-1].data)


def test_nobody_at_the_address_is_told_and_the_form_is_usable_again(dock, planes, told):
    with dask.config.set({"distributed.comm.timeouts.connect": "0.3s"}):
        sent_to(dock, "tcp://127.0.0.1:9", planes).press("run")
        dock.until_over()
    assert len(told) == 1
    assert "no dask scheduler answers at tcp://127.0.0.1:9" in told[0]
    assert dock["run"].isEnabled()


def test_missing_package_is_told_with_the_line_that_installs_it(dock, planes, told, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    sent_to(dock, "local:1", planes).press("run")
    dock.until_over()
    assert "pip install 'napari-zeroshot[cluster]'" in told[0]


def test_address_is_remembered(dock, open_dock, address, planes):
    sent_to(dock, address, planes).press("run")
    dock.until_over()
    assert habits.preference("cluster") == address
    dock.viewer.window.remove_dock_widget(dock.widget)
    assert open_dock(dock.viewer)["cluster"].currentText() == address
