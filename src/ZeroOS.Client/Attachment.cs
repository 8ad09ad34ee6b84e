using System.Text.Json;

using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Client;

/// <summary>A session that has joined a machine's own program, and what that is like.</summary>
/// <param name="Session">Its channels are those of <c>SessionKinds.Attach</c>; what comes on channel 0 was read.</param>
/// <param name="Program">As the machine says.</param>
public sealed record Attachment(Session Session, AttachedProgram Program) : IAsyncDisposable
{
    private const uint Input = 0;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Session.DisposeAsync();

    /// <summary>Waits for what a session that was begun has joined.</summary>
    /// <exception cref="SessionException">It has joined nothing: the reason says why.</exception>
    internal static async Task<Attachment> OfAsync(Session session, CancellationToken cancellation)
    {
        byte[] text = new byte[AttachedProgram.MaxBytes];
        int length = 0;
        while (length < text.Length && await session.ReadAsync(Input, text.AsMemory(length), cancellation) is > 0 and int count)
            length += count;
        try
        {
            return new Attachment(session,
                JsonSerializer.Deserialize(text.AsSpan(0, length), SessionJson.Default.AttachedProgram) ?? throw new JsonException());
        }
        catch (JsonException)
        {
            throw new SessionException(SessionCloseReason.Protocol, "the machine does not say what its program is like");
        }
    }
}
