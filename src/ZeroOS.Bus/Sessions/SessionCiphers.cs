namespace ZeroOS.Bus.Sessions;

/// <summary>Both directions of one end of a session.</summary>
/// <param name="Sealer">Seals what this end sends.</param>
/// <param name="Opener">Opens what the peer sends.</param>
public sealed record SessionCiphers(FrameSealer Sealer, FrameOpener Opener) : IDisposable
{
    /// <summary>Erases both keys.</summary>
    public void Dispose()
    {
        Sealer.Dispose();
        Opener.Dispose();
    }
}
