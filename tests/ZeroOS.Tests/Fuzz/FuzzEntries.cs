namespace ZeroOS.Tests.Fuzz;

/// <summary>Every entry point, by who sends the bytes. `make fuzz` and the tests play the same list.</summary>
public static class FuzzEntries
{
    /// <summary>All.</summary>
    public static IReadOnlyList<FuzzEntry> All { get; } =
    [
        .. LifeEntries.All,
        .. BusEntries.All,
        .. DoorEntries.All,
        .. ImageEntries.All,
        .. MachineEntries.All,
        .. NetworkEntries.All,
        .. DiskEntries.All,
        .. TrustEntries.All,
    ];

    /// <summary>Runs a reader; false when it refuses by its own exception.</summary>
    internal static bool Reads<TRefusal>(Action read) where TRefusal : Exception
    {
        try
        {
            read();
            return true;
        }
        catch (TRefusal)
        {
            return false;
        }
    }
}
