using System.Globalization;

namespace ZeroOS.Engine.Admission;

/// <summary>Sizes in sentences for people, rounded: "1.5GiB". Exact ones are <see cref="Contracts.Deployments.ByteSize"/>'s.</summary>
internal static class BinarySizes
{
    private static readonly string[] s_units = ["B", "KiB", "MiB", "GiB", "TiB"];

    /// <summary>At most one decimal.</summary>
    public static string Text(long bytes)
    {
        int unit = 0;
        double value = bytes;
        while (value >= 1024 && unit < s_units.Length - 1)
        {
            value /= 1024;
            unit++;
        }
        return value.ToString("0.#", CultureInfo.InvariantCulture) + s_units[unit];
    }
}
