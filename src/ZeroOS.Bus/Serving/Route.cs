using System.Runtime.CompilerServices;
using System.Text.Json;

using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Json;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Bus.Serving;

/// <summary>One command: who may use it, what its body is, who answers.</summary>
public abstract class Route : ICommand
{
    private protected Route(string command, Roles allowed, bool isStream) => (Command, Allowed, IsStream) = (command, allowed, isStream);

    /// <summary>The command's name.</summary>
    public string Command { get; }

    /// <summary>Who may use it.</summary>
    public Roles Allowed { get; }

    /// <summary>Answers in pieces, for as long as it takes; counts against the sender's streams.</summary>
    public bool IsStream { get; }

    /// <summary>Decodes the body.</summary>
    public abstract object Decode(JsonElement? body);

    /// <summary>The answer's bodies: exactly one, unless <see cref="IsStream"/>.</summary>
    internal abstract IAsyncEnumerable<JsonElement> AnswerAsync(RequestContext context, object body, CancellationToken cancellation);
}

internal sealed class SingleRoute<TBody, TReply>(Command<TBody, TReply> command, Roles allowed,
    Func<RequestContext, TBody, CancellationToken, Task<TReply>> handler)
    : Route(command.Name, allowed, isStream: false) where TBody : class where TReply : class
{
    public override object Decode(JsonElement? element) => BodyReader.Read(element, command.Body);

    internal override async IAsyncEnumerable<JsonElement> AnswerAsync(RequestContext context, object request,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        yield return JsonSerializer.SerializeToElement(await handler(context, (TBody)request, cancellation), command.Reply);
    }
}

internal sealed class StreamRoute<TBody, TPiece>(StreamCommand<TBody, TPiece> command, Roles allowed,
    Func<RequestContext, TBody, CancellationToken, IAsyncEnumerable<TPiece>> handler)
    : Route(command.Name, allowed, isStream: true) where TBody : class where TPiece : class
{
    public override object Decode(JsonElement? element) => BodyReader.Read(element, command.Body);

    internal override async IAsyncEnumerable<JsonElement> AnswerAsync(RequestContext context, object request,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (TPiece item in handler(context, (TBody)request, cancellation).WithCancellation(cancellation))
            yield return JsonSerializer.SerializeToElement(item, command.Piece);
    }
}
