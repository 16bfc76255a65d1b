"""Where launches go that are handed on: the registered address of a tool's application, and whose launches go there."""

from dataclasses import dataclass

from sqlite_utils import Database

from bridge.errors import InvalidRequest, UnknownObject
from bridge.registry.platforms import is_web_address


@dataclass(frozen=True, slots=True)
class Application:
    """A tool's application.

    :param url: its address, query string included; the browser goes nowhere else.
    """

    tool: str
    url: str


class Applications:
    """The applications, one for each tool that has one."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def set(self, tool: str, url: str) -> None:
        """Say where a tool's application is.

        :raises InvalidRequest: if it is no absolute http or https URL, or has a fragment.
        """
        if not is_web_address(url) or "#" in url or not url.isascii():
            raise InvalidRequest("url", "must be an absolute http or https URL of ASCII characters, without a fragment")
        self._db.execute(
            "INSERT INTO applications (tool, url) VALUES (?, ?) ON CONFLICT (tool) DO UPDATE SET url = excluded.url",
            (tool, url),
        )

    def get(self, tool: str) -> Application | None:
        """A tool's application, if it has one."""
        return self._first("SELECT tool, url FROM applications WHERE tool = ?", tool)

    def hand_on(self, platform_id: int, tool: str) -> None:
        """Hand a platform's launches on to a tool's application from now on.

        :raises UnknownObject: if the tool has none.
        """
        if self.get(tool) is None:
            raise UnknownObject(f"tool {tool} has no application: see 'bridge feeders application --help'")
        self._db.execute("INSERT OR REPLACE INTO platform_applications VALUES (?, ?)", (platform_id, tool))

    def keep(self, platform_id: int) -> None:
        """Hand a platform's launches on no more: the bridge answers them itself."""
        self._db.execute("DELETE FROM platform_applications WHERE platform = ?", (platform_id,))

    def of_platform(self, platform_id: int) -> Application | None:
        """To whom a platform's launches are handed on, if to anybody."""
        return self._first(
            "SELECT tool, url FROM platform_applications JOIN applications USING (tool) WHERE platform = ?", platform_id
        )

    def _first(self, statement: str, parameter: object) -> Application | None:
        row = self._db.execute(statement, (parameter,)).fetchone()
        return Application(*row) if row else None
