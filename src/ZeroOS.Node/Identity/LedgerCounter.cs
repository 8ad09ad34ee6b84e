using ZeroOS.Formats.Tpm;

namespace ZeroOS.Node.Identity;

/// <summary>
/// The counter in the TPM that advances with the node's ledger: an NV index, which nobody can lower. Somebody who deletes it and makes it anew gets a higher
/// value (TPM 2.0 Library, Part 1, 37.2.6).
/// </summary>
/// <param name="tpm">The TPM.</param>
/// <param name="rootName">The name of its storage root key, by which it is known; null: whichever TPM this is.</param>
internal sealed class LedgerCounter(IdentityTpm tpm, byte[]? rootName)
{
    /// <summary>Among the owner's indices (Registry of Reserved TPM 2.0 Handles and Localities, 2.2.2).</summary>
    internal const uint Index = 0x0180_5A4F;

    private const int Attempts = 20;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(250);
    private static readonly TpmNvPublic s_new = TpmNvPublic.Counter(Index, written: false), s_counting = TpmNvPublic.Counter(Index, written: true);

    /// <summary>Its value; null: there is none, or something else lies there.</summary>
    /// <exception cref="SealException">The TPM fails, or is another one.</exception>
    public ulong? Read() => tpm.InSession<ulong?>(rootName,
        (client, session) => Find(client) is { } there && Is(there, s_counting) ? client.ReadNvCounter(s_counting, session) : null);

    /// <summary>Its value; makes it where there is none.</summary>
    /// <exception cref="SealException">As for <see cref="Read"/>, or the TPM has no room, or something else lies there.</exception>
    public ulong Make() => tpm.InSession(rootName, (client, session) =>
    {
        TpmNvPublic? there = Find(client);
        if (there is null)
            client.DefineNv(s_new);
        else if (!Is(there, s_new) && !Is(there, s_counting))
            throw new SealException("tpm-failed", $"another program uses NV index 0x{Index:x8} of the TPM");
        if (there is null || Is(there, s_new))
            Patiently(() => client.IncrementNv(s_new, session));
        return client.ReadNvCounter(s_counting, session);
    });

    /// <summary>Raises it by one to <paramref name="value"/>.</summary>
    /// <exception cref="SealException">As for <see cref="Read"/>, or it has another value then.</exception>
    public void RaiseTo(ulong value) => _ = tpm.InSession(rootName, (client, session) =>
    {
        Patiently(() => client.IncrementNv(s_counting, session));
        return client.ReadNvCounter(s_counting, session) is var now && now == value ? now
            : throw new SealException("tpm-failed", $"the TPM's counter of the ledger is {now} where {value} is expected");
    });

    private static TpmNvPublic? Find(TpmClient client)
    {
        try
        {
            return client.ReadNvPublic(Index);
        }
        catch (TpmErrorException e) when (e.Error == TpmError.Handle)
        {
            return null;
        }
    }

    private static bool Is(TpmNvPublic there, TpmNvPublic expected) => there.ToBytes().AsSpan().SequenceEqual(expected.ToBytes());

    // TPM_RC_NV_RATE: a TPM that is written often takes a rest.
    private static void Patiently(Action write)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                write();
                return;
            }
            catch (TpmErrorException e) when (e.Error == TpmError.NvRate && attempt < Attempts)
            {
                _ = CancellationToken.None.WaitHandle.WaitOne(s_pause);
            }
        }
    }
}
