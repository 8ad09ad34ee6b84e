using ZeroOS.Bus.Gates;

namespace ZeroOS.Node.Sessions;

/// <summary>Opens sessions.</summary>
internal interface ISessionServer
{
    /// <summary>
    /// Decides about an admitted, verified zos.session.open (<paramref name="decision"/>, not refused by the gate) that came as <paramref name="envelope"/>.
    /// Never throws for anything in it.
    /// </summary>
    Task<PreparedSession> OpenAsync(Decision decision, ReadOnlyMemory<byte> envelope, CancellationToken cancellation);
}
