"""The rights that the app asks for: each is needed by something that it does. docs/slack-manifest.yaml has the same."""

from collections.abc import Mapping

SCOPES: Mapping[str, str] = {
    "app_mentions:read": "hear mentions",
    "assistant:write": "suggested prompts and the status in assistant threads",
    "channels:history": "follow-ups in threads of public channels; find a message again before sending it twice",
    "channels:read": "know whether guests read a public channel",
    "chat:write": "answer",
    "commands": "the command and the shortcut",
    "files:read": "fetch files that people drop",
    "files:write": "upload pictures, sheets and documents",
    "groups:history": "the same in private channels",
    "groups:read": "the same of private channels",
    "im:history": "hear direct messages",
    "im:write": "open direct messages, for what is for one person alone",
    "mpim:history": "hear mentions in group messages",
    "mpim:read": "know who reads a group message",
    "users:read": "tell guests and bots from members",
    "users:read.email": "link accounts by e-mail, where an admin turned that on",
}
APP_SCOPE = "connections:write"
"""Of the app-level token, for Socket Mode."""

EVENTS = (
    "app_home_opened",
    "app_mention",
    "assistant_thread_started",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
)
