using ZeroOS.Bus.Farm;
using ZeroOS.Contracts.Farm;

namespace ZeroOS.Media.SystemImage.Inspect;

/// <summary>Farm settings found on a medium.</summary>
/// <param name="Path">Where.</param>
/// <param name="Farm">The farm's name; null if it cannot be read.</param>
/// <param name="FarmId">Its identity.</param>
/// <param name="Version">The settings' version.</param>
/// <param name="Owners">Key ids of the owners.</param>
/// <param name="Fault">Why a node would refuse them; null if it would take them.</param>
internal sealed record SettingsFacts(string Path, string? Farm, string? FarmId, int? Version, IReadOnlyList<string> Owners, string? Fault)
{
    /// <summary>Reads a document, as a node would.</summary>
    public static SettingsFacts Read(string path, ReadOnlySpan<byte> document)
    {
        FarmDocument.TryInspect(document, out FarmSettings? settings, out _, out _);
        FarmDocument.TryVerify(document, out _, out string? fault);
        return new SettingsFacts(path, settings?.Name, settings?.FarmId, settings?.Version, settings?.Owners ?? [], fault);
    }
}
