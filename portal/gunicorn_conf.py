"""The web server's settings, for `portal web`: two processes with four threads each, no control socket, a log without secrets."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from gunicorn.config import Config as GunicornConfig
from gunicorn.glogging import Logger

from portal.config import Config
from portal.logs import FORMAT, Redacting
from portal.sync.alert_post import Postman

SWITCH_SECONDS = 0.0005
"""A thread that holds SQLite's write lock gives up the interpreter at each statement, and with Python's 5 ms others keep it so long
that everybody waits for the lock."""


class WebLog(Logger):  # type: ignore[misc]
    """gunicorn's log in the form of the other processes, through the same redaction."""

    def setup(self, cfg: GunicornConfig) -> None:
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            for stream in log.handlers:
                stream.setFormatter(Redacting(FORMAT))


def post_worker_init(worker: Any) -> None:
    """Threads give way soon, and the web process looks after alerts as well: when the ticker is gone, somebody must say so."""
    sys.setswitchinterval(SWITCH_SECONDS)
    Postman(worker.wsgi.extensions["portal"]).start()


_settings = Config.from_env()

wsgi_app = "wsgi:app"
chdir = str(Path(__file__).parent.parent)
bind = _settings.bind
worker_class = "gthread"
workers = 2
threads = 4
graceful_timeout = 10
control_socket_disable = True
logger_class = WebLog
loglevel = "warning"
accesslog = "-" if _settings.log_level == "DEBUG" else None
access_log_format = '%(h)s "%(m)s %(U)s" %(s)s %(b)s %(M)sms'
"""%(U)s is the path alone: query strings may hold a token."""
