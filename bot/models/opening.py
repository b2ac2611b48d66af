"""Which model, by the settings; its client's package is looked for, not loaded."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

from bot.settings import Settings, SettingsError

if TYPE_CHECKING:
    from bot.models import Router

_PLACES = {
    "ollama": "http://127.0.0.1:11434",
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
}


def open_router(settings: Settings) -> "Router | None":
    """None when it is off. Raises SettingsError when its package is missing."""
    if settings.model == "off":
        return None
    if find_spec(settings.model) is None:
        raise SettingsError(
            f"STACKHAND_MODEL is {settings.model}, but the Python package {settings.model} is not installed",
            "install stackhand[models], or set STACKHAND_MODEL=off",
        )
    url = settings.model_url or _PLACES[settings.model]
    key = settings.model_key.get_secret_value() if settings.model_key else ""
    return _router(settings.model, url, settings.model_name, key)


def _router(client: str, url: str, model: str, key: str) -> "Router":
    match client:
        case "ollama":
            from bot.models.ollama import OllamaRouter

            return OllamaRouter(url, model, key)
        case "openai":
            from bot.models.openai import OpenAIRouter

            return OpenAIRouter(url, model, key)
    from bot.models.anthropic import AnthropicRouter

    return AnthropicRouter(url, model, key)
