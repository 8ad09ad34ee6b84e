using System.Globalization;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Http;

namespace ZeroOS.Docker.Creation;

/// <summary>Options of a tmpfs as mount(8) has them: "size=64m,mode=1777,exec".</summary>
internal static class TmpfsOptions
{
    private const string Size = "size=", Mode = "mode=";

    /// <summary>A tmpfs; size and mode are words of their own, the others are the node's to judge.</summary>
    /// <exception cref="DockerFault">400: the size is none.</exception>
    public static MachineTmpfs Parse(string path, string options)
    {
        MachineTmpfs tmpfs = new() { Path = path };
        List<string> others = [];
        foreach (string option in options.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            if (option.StartsWith(Size, StringComparison.Ordinal))
                tmpfs = tmpfs with { Size = ParseSize(path, option[Size.Length..]) };
            else if (option.StartsWith(Mode, StringComparison.Ordinal))
                tmpfs = tmpfs with { Mode = option[Mode.Length..] };
            else
                others.Add(option);
        }
        return others.Count == 0 ? tmpfs : tmpfs with { Options = others };
    }

    private static ByteSize ParseSize(string path, string text)
    {
        int unit = text.Length == 0 ? -1 : "kmgt".IndexOf(char.ToLowerInvariant(text[^1]), StringComparison.Ordinal);
        return ByteSize.TryParse(unit < 0 ? text : string.Create(CultureInfo.InvariantCulture, $"{text[..^1]}{"KMGT"[unit]}iB"), out ByteSize size) ? size
            : throw DockerFault.Bad($"HostConfig.Tmpfs {path}: size={text} is no size; write a number, with k, m, g or t behind it");
    }
}
