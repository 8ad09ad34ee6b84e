namespace ZeroOS.Contracts.Release;

/// <summary>Where a boot medium has its EFI files: paths with slashes from the root of the EFI system partition.</summary>
public static class EfiPaths
{
    /// <summary>The file of the version on trial: the firmware starts it once, by its boot entry.</summary>
    public const string Trial = "EFI/ZEROOS/TRIAL.EFI";

    /// <summary>The kept version's file: where firmware looks on a medium by itself.</summary>
    public const string Kept = "EFI/BOOT/BOOTX64.EFI";
}
