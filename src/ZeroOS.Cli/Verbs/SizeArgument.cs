using ZeroOS.Cli.Sessions;
using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Cli.Verbs;

/// <summary>Sizes as people type them.</summary>
internal static class SizeArgument
{
    /// <summary>A number of bytes, or with B, KiB, MiB, GiB or TiB.</summary>
    /// <exception cref="CliException">It is none.</exception>
    public static ByteSize Parse(string text) => ByteSize.TryParse(text, out ByteSize size)
        ? size
        : throw new CliException($"\"{text}\" is not a size: a number of bytes, or with B, KiB, MiB, GiB or TiB, as 512MiB", CliException.Usage);
}
