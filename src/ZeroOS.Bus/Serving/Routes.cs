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
    public Routes Add<TBody, TReply>(Command<TBody, TReply> command, Roles allowed, Func<RequestContext, TBody, CancellationToken, Task<TReply>> handler)
        where TBody : class where TReply : class
    {
        _routes.Add(command.Name, new SingleRoute<TBody, TReply>(command, allowed, handler));
        return this;
    }

    /// <summary>Adds a command whose handler answers without waiting for anything.</summary>
    public Routes Add<TBody, TReply>(Command<TBody, TReply> command, Roles allowed, Func<RequestContext, TBody, TReply> handler)
        where TBody : class where TReply : class =>
        Add(command, allowed, (context, body, _) => Task.FromResult(handler(context, body)));

    /// <summary>Adds a command that has nothing to say but its name.</summary>
    public Routes Add<TReply>(Command<Nothing, TReply> command, Roles allowed, Func<RequestContext, TReply> handler) where TReply : class =>
        Add(command, allowed, (context, _, _) => Task.FromResult(handler(context)));

    /// <summary>Adds a command that answers with a stream; it ends when the handler's does, or by its exception.</summary>
    public Routes Add<TBody, TPiece>(StreamCommand<TBody, TPiece> command, Roles allowed,
        Func<RequestContext, TBody, CancellationToken, IAsyncEnumerable<TPiece>> handler)
        where TBody : class where TPiece : class
    {
        _routes.Add(command.Name, new StreamRoute<TBody, TPiece>(command, allowed, handler));
        return this;
    }

    /// <summary>The command of that name, or null.</summary>
    public ICommand? Find(string name) => _routes.GetValueOrDefault(name);
}
