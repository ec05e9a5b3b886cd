"""A run whose shares are done elsewhere: here, planes are put into their places, and what was learned is put together."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_zeroshot.engine.method import Progress
from napari_zeroshot.engine.order import Order
from napari_zeroshot.engine.post import Post, workers
from napari_zeroshot.engine.result import Result
from napari_zeroshot.engine.running import Run
from napari_zeroshot.engine.share import Done, Share, options_of, shares

if TYPE_CHECKING:
    from distributed import Client


@dataclass(eq=False)
class SpreadRun(Run):
    """A run of which the shares are done elsewhere; here, planes are put into their places."""

    client: Client = field(kw_only=True)
    image: Any = field(kw_only=True)
    stage: str = "at work"

    def _steps(self) -> Generator[Progress, None, Result]:
        """Hand out the work, and take what comes back."""
        order = self.order
        self._take_over_finished()
        self._look_ahead()
        self.out = self.out if self.out is not None else np.empty(order.axes.shape, order.dtype)
        self.threads = order.threads if order.method.trains and order.device.name == "cpu" else None
        work = shares(order, self._needed(order.groups()), self.done)
        tally, ended = _Tally(order, work), {}
        with Post(self.client, self.image, options_of(order, self.looked_at)) as post:
            for share, said in post.news(work) if work else ():
                if order.cancelled():
                    break
                if isinstance(said, Done):
                    ended[share] = replace(said, planes={})
                    yield from self._take(share, said, tally)
                elif said is not None:
                    yield self._heard(share, said, tally)
                else:
                    yield self._report(self.stage if workers(self.client) else "waiting for a worker of the cluster", tally)
        self._conclude([(share, ended[share]) for share in tally.in_order() if share in ended], tally)
        self._leave_the_rest_noisy()
        self._pass_on(ended)
        return self._result()

    def _take(self, share: Share, came: Done, tally: _Tally) -> Generator[Progress, None, None]:
        tally.end(share, came)
        for index, noisy in came.sums.items():
            self.reading.see(index, noisy)
        for index, plane in came.planes.items():
            self.out[tuple(slice(None) if at is None else at for at in index)] = plane
            self.done.add(index)
            if self.ledger is not None:
                self.ledger.finish(index, came.sums[index])
            self.stage = f"denoising plane {len(self.done)}/{len(self.order.axes.planes())}"
            yield self._report(self.stage, tally)

    def _heard(self, share: Share, said: Mapping[str, Any], tally: _Tally) -> Progress:
        tally.report(share, said["step"], said["total"])
        doing = "denoising" if said["loss"] is None else "training"
        self.stage = f"{doing}, {len(self.done)} of {len(self.order.axes.planes())} planes done"
        return replace(self._report(self.stage, tally, said["loss"], said["score"]), training=tally.number(share))

    def _report(self, stage: str, tally: _Tally, loss: float | None = None, score: float | None = None) -> Progress:
        self.steps_done, self.steps_total = tally.sums()
        return self._progress(stage, loss, self._so_far(), score)

    def _conclude(self, ended: Sequence[tuple[Share, Done]], tally: _Tally) -> None:
        """Put together what the trainings have said, in the order in which one process would have done them."""
        at = tally.before
        for share, came in ended:
            if self.order.method.trains:
                self.begun.append(at)
            for sentence in came.notes:
                self._note(sentence)
            self.losses += [(at + step - tally.base(share), loss) for step, loss in came.losses]
            self.scores += [(at + step - tally.base(share), score) for step, score in came.scores]
            at += tally.trained(share, came) + tally.applied(share)
            if came.brought is not None:
                self.lessons[came.brought.channel], self.levels = came.brought.lesson(), came.brought.levels

    def _pass_on(self, ended: Mapping[Share, Done]) -> None:
        """The cautions of the shares that had the planes by which the result is judged; none of a run that was cancelled."""
        channel = self.order.axes.channel_of
        by_channel = sorted(ended, key=lambda share: channel(share.planes[0])) if not self.order.cancelled() else ()
        self.cautions += [caution for share in by_channel for caution in ended[share].cautions]


class _Tally:
    """How far the shares of a run are, in steps of training, as `Run` counts them."""

    def __init__(self, order: Order, work: Sequence[Share]) -> None:
        self._order, self._work = order, work
        self._each, self._planes = order.steps_per_plane(), len(order.axes.planes())
        self.before = self._each * (self._planes - sum(len(share.planes) for share in work if not share.learn_only))
        self._at = dict.fromkeys(work, 0)
        self._of = {share: self.applied(share) for share in work if not self._learns(share)}

    def _learns(self, share: Share) -> bool:
        """Whether anything is learned in a share, and not only applied."""
        return share.after is None or self._order.stack == "warm"

    def in_order(self) -> list[Share]:
        """The shares that learn, as one process would do them: channel by channel."""
        return sorted(filter(self._learns, self._work), key=lambda share: self._order.axes.channel_of(share.planes[0]))

    def number(self, share: Share) -> int:
        """Of a share, by which its losses are told from those of others."""
        return self._work.index(share)

    def base(self, share: Share) -> int:
        """What a share's own run takes for done before it begins: all other planes."""
        return (self._planes - len(share.planes)) * self._each

    def applied(self, share: Share) -> int:
        """What it is worth to denoise the planes that a network is trained for; none, if they are done before."""
        return 0 if share.learn_only and self._order.stack == "warm" else len(share.planes) * self._each

    def trained(self, share: Share, came: Done) -> int:
        """How many steps a share's training took."""
        return came.losses[-1][0] - self.base(share) if came.losses else 0

    def report(self, share: Share, step: int, total: int) -> None:
        """Take note of how far a share is."""
        self._at[share] = step - self.base(share)
        self._of[share] = total - (self._planes * self._each if share.learn_only else self.base(share))

    def end(self, share: Share, came: Done) -> None:
        """Take note that a share is done."""
        self._at[share] = self._of[share] = self.trained(share, came) + (0 if share.learn_only else self.applied(share))

    def sums(self) -> tuple[int, int]:
        """Steps done and steps in all; trainings of which nothing was heard yet count as much as the longest of the others."""
        usual = max((self._of[share] for share in self._of if self._learns(share)), default=1)
        return self.before + sum(self._at.values()), self.before + sum(self._of.get(share, usual) for share in self._at)
