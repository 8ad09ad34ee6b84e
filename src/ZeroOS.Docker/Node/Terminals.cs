using System.Text.Json.Nodes;

using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Docker.Node;

/// <summary>
/// Sessions at the terminals of containers. A client tells the size of its window by requests of their own, which may come before the session is there.
/// </summary>
internal sealed class Terminals
{
    /// <summary>Containers whose sizes are remembered though no session is there.</summary>
    public const int Remembered = 256;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, TerminalSize> _sizes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<Session>> _sessions = new(StringComparer.Ordinal);

    /// <summary>The size that a creation, or the start of a second program, says; null: it says none.</summary>
    public static TerminalSize? First(JsonObject said) => said["ConsoleSize"] is JsonArray { Count: 2 } size
        && Side(size[0]) is { } rows && Side(size[1]) is { } columns ? new TerminalSize(columns, rows) : null;

    /// <summary>A session is there, and has the size that was told, or else <paramref name="first"/>.</summary>
    public async Task JoinAsync(string container, Session session, TerminalSize? first)
    {
        TerminalSize? told;
        lock (_lock)
        {
            if (!_sessions.TryGetValue(container, out List<Session>? all))
                _sessions.Add(container, all = []);
            all.Add(session);
            told = _sizes.GetValueOrDefault(container) ?? first;
        }
        if (told is not null)
            await ResizeAsync(session, told);
    }

    /// <summary>A session is over.</summary>
    public void Leave(string container, Session session)
    {
        lock (_lock)
        {
            if (_sessions[container].Remove(session) && _sessions[container].Count == 0)
            {
                _sessions.Remove(container);
                _sizes.Remove(container);
            }
        }
    }

    /// <summary>The window of whoever looks at a container has another size.</summary>
    public async Task ResizeAsync(string container, TerminalSize size)
    {
        Session[] sessions;
        lock (_lock)
        {
            if (_sizes.Count >= Remembered && !_sizes.ContainsKey(container))
                _sizes.Remove(_sizes.Keys.First());
            _sizes[container] = size;
            sessions = [.. _sessions.GetValueOrDefault(container, [])];
        }
        foreach (Session session in sessions)
            await ResizeAsync(session, size);
    }

    /// <summary>The terminal of a program has another size.</summary>
    public static async Task ResizeAsync(Session session, TerminalSize size)
    {
        try
        {
            await session.ResizeAsync(SessionStreams.Input, size.Columns, size.Rows);
        }
        catch (SessionException)
        {
            // it has just ended
        }
    }

    private static ushort? Side(JsonNode? side) =>
        side is JsonValue value && value.TryGetValue(out int cells) && cells is > 0 and <= ushort.MaxValue ? (ushort)cells : null;
}
