namespace ZeroOS.Oci.Layout;

/// <summary>What an image of an index runs on (OCI image-spec, image-index.md).</summary>
public sealed record OciPlatform
{
    /// <summary>The one that nodes run, for messages.</summary>
    internal const string Ours = "linux/amd64";

    private const int UnknownRank = 100, NoVariantRank = 1, OddVariantRank = 99;

    public string? Architecture { get; init; }

    public string? Os { get; init; }

    /// <summary>Of amd64 the level of the processor, v1 to v4; v1 is every processor and usually left out.</summary>
    public string? Variant { get; init; }

    /// <summary>
    /// How well an image of this platform suits every node, the lowest best; null when it runs on none. A flist is built once for all nodes, so the variant
    /// that asks least of a processor is best. Nothing known about the platform comes last.
    /// </summary>
    internal static int? Rank(OciPlatform? platform)
    {
        if (platform is null || (string.IsNullOrEmpty(platform.Os) && string.IsNullOrEmpty(platform.Architecture)))
            return UnknownRank;
        if (!IsOurs(platform.Os, platform.Architecture))
            return null;
        string variant = platform.Variant ?? "";
        if (variant.Length == 0)
            return NoVariantRank;
        return variant.Length == 2 && variant[0] is 'v' or 'V' && variant[1] is >= '1' and <= '9' ? variant[1] - '0' : OddVariantRank;
    }

    /// <summary>True for linux/amd64 in any of the spellings that tools write; containerd and Docker read x86_64 and x86-64 the same way.</summary>
    public static bool IsOurs(string? os, string? architecture) => "linux".Equals(os, StringComparison.OrdinalIgnoreCase)
        && architecture?.ToUpperInvariant() is "AMD64" or "X86_64" or "X86-64";
}
