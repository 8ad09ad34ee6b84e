using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Engine.Store;

/// <summary>
/// How much memory a guest can have, and how much of it is kept for it, in bytes. What a deployment says is both; what it leaves out comes from the grant.
/// </summary>
internal static class MachineCeiling
{
    /// <summary>Kept for a guest whose deployment says nothing: with its monitor and the page tables it stays within 160 MiB.</summary>
    public const long DefaultReserved = 142L << 20;

    /// <summary>The most that such a guest can have, whatever the grant.</summary>
    public const long DefaultMost = 2L << 30;

    private const long HugePage = 2L << 20;

    /// <summary>What is kept for the guest, and counts.</summary>
    public static long Reserved(ByteSize? memory) => memory?.Bytes ?? DefaultReserved;

    /// <summary>
    /// What the guest is made with: a quarter of the grant if the deployment says nothing, at most <see cref="DefaultMost"/> and never less than what is kept
    /// for it.
    /// </summary>
    public static long Of(ByteSize? memory, Grant? grant) =>
        memory?.Bytes ?? Math.Clamp((grant?.Memory.Bytes ?? 0) / 4 / HugePage * HugePage, DefaultReserved, DefaultMost);
}
