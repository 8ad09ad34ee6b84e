namespace ZeroOS.Media.Serve.Report;

/// <summary>One computer as it is at a moment.</summary>
/// <param name="Name">The card's address, or the IP address.</param>
/// <param name="Address">The IP address, once known.</param>
/// <param name="Kind">What it is.</param>
/// <param name="State">What it does.</param>
/// <param name="File">What it loads.</param>
/// <param name="Bytes">How far it is.</param>
/// <param name="TotalBytes">Of how much.</param>
/// <param name="Rate">Bytes a second.</param>
internal sealed record BootRow(string Name, string? Address, string Kind, string State, string? File, long Bytes, long TotalBytes, double Rate)
{
    /// <summary>It is loading now.</summary>
    public bool Loads => File is not null;

    /// <summary>Of a computer.</summary>
    public static BootRow Of(BootComputer m) =>
        new(m.Name, m.Address?.ToString(), m.Kind, m.State, m.Download?.File, m.Download?.Bytes ?? 0, m.Download?.TotalBytes ?? 0, m.Rate);
}
