"""A calendar as it is met while time goes on: whether it is open, and until when."""

import math
from zoneinfo import ZoneInfo

from engines.migration.calendars import Calendar

_SOON = 1e-6


class Opening:
    """Raises ValueError when the calendar has no more open time."""

    def __init__(self, calendar: Calendar, any_time: bool) -> None:
        self._windows = iter(((0.0, math.inf),)) if any_time else calendar.windows()
        self._window = self._following()
        self.is_open = self._window[0] <= _SOON
        local = calendar.start.astimezone(ZoneInfo(calendar.zone))
        self.offset = local.hour * 3600 + local.minute * 60 + local.second  # seconds since the first day began
        always = any_time or (calendar.hours_a_day == 24 and len(calendar.weekdays) == 7)
        self.longest = math.inf if always else self._longest(calendar)

    @staticmethod
    def _longest(calendar: Calendar) -> float:
        """Of an ordinary week; days that are worked through join."""
        if calendar.hours_a_day < 24:
            return calendar.hours_a_day * 3600
        days = sorted(calendar.weekdays)
        runs = [1 + next(n for n in range(8) if (day + n + 1) % 7 not in calendar.weekdays) for day in days]
        return max(runs) * 24 * 3600.0

    def _following(self) -> tuple[float, float]:
        found = next(self._windows, None)
        if found is None:
            raise ValueError("the calendar leaves no time for all of the work")
        return found

    def left(self, now: float) -> float:
        return self._window[1] - now if self.is_open else 0.0

    def next_change(self) -> float:
        return self._window[1] if self.is_open else self._window[0]

    def turn(self, now: float) -> bool:
        """Open or close what is due; True when a window has just opened."""
        opened = False
        while True:
            if self.is_open and now >= self._window[1] - _SOON:
                self._window, self.is_open = self._following(), False
            if not self.is_open and now >= self._window[0] - _SOON:
                self.is_open = opened = True
            if not (self.is_open and now >= self._window[1] - _SOON):
                return opened
