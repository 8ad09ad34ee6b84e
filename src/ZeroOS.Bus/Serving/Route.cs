using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Json;

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

internal sealed class SingleRoute<TBody, TReply>(string command, Roles allowed, JsonTypeInfo<TBody> body, JsonTypeInfo<TReply> reply,
    Func<RequestContext, TBody, CancellationToken, Task<TReply>> handler) : Route(command, allowed, isStream: false) where TBody : class
{
    public override object Decode(JsonElement? element) => BodyReader.Read(element, body);

    internal override async IAsyncEnumerable<JsonElement> AnswerAsync(RequestContext context, object request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        yield return JsonSerializer.SerializeToElement(await handler(context, (TBody)request, cancellation), reply);
    }
}

internal sealed class StreamRoute<TBody, TPiece>(string command, Roles allowed, JsonTypeInfo<TBody> body, JsonTypeInfo<TPiece> piece,
    Func<RequestContext, TBody, CancellationToken, IAsyncEnumerable<TPiece>> handler) : Route(command, allowed, isStream: true) where TBody : class
{
    public override object Decode(JsonElement? element) => BodyReader.Read(element, body);

    internal override async IAsyncEnumerable<JsonElement> AnswerAsync(RequestContext context, object request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (TPiece item in handler(context, (TBody)request, cancellation).WithCancellation(cancellation))
            yield return JsonSerializer.SerializeToElement(item, piece);
    }
}
