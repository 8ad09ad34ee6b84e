using System.Text.Json.Serialization.Metadata;

using ZeroOS.Bus.Gates;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Bus.Serving;

/// <summary>The table of the node's commands. Filled before the bus listens, only read after.</summary>
public sealed class Routes : ICommandTable
{
    private readonly Dictionary<string, Route> _routes = new(StringComparer.Ordinal);

    /// <summary>All commands.</summary>
    public IReadOnlyCollection<Route> All => _routes.Values;

    /// <summary>What is said about a command that is not in the table; a locked node says that it is locked.</summary>
    public BusError Unknown { get; init; } = new() { Code = ErrorCodes.UnknownCommand, Message = "this node has no such command" };

    /// <summary>Adds a command with one answer. The handler throws <see cref="BusErrorException"/> to refuse.</summary>
    public Routes Add<TBody, TReply>(string command, Roles allowed, JsonTypeInfo<TBody> body, JsonTypeInfo<TReply> reply,
        Func<RequestContext, TBody, CancellationToken, Task<TReply>> handler) where TBody : class
    {
        _routes.Add(command, new SingleRoute<TBody, TReply>(command, allowed, body, reply, handler));
        return this;
    }

    /// <summary>Adds a command that answers with a stream; it ends when the handler's does, or by its exception.</summary>
    public Routes AddStream<TBody, TPiece>(string command, Roles allowed, JsonTypeInfo<TBody> body, JsonTypeInfo<TPiece> piece,
        Func<RequestContext, TBody, CancellationToken, IAsyncEnumerable<TPiece>> handler) where TBody : class
    {
        _routes.Add(command, new StreamRoute<TBody, TPiece>(command, allowed, body, piece, handler));
        return this;
    }

    /// <summary>The command of that name, or null.</summary>
    public ICommand? Find(string name) => _routes.GetValueOrDefault(name);
}
