namespace ZeroOS.SystemTests.Bench;

/// <summary>The writer of firmware variables, on the flash file Debian ships. That the firmware reads what it wrote is seen in SecureBootTests.</summary>
public sealed class UefiVariablesTests
{
    private const string Origin = "/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd";

    [SkippableFact]
    public void A_variable_that_was_put_is_found_again_and_replaces_the_one_before_and_no_other()
    {
        Skip.IfNot(File.Exists(Origin), "ovmf is not installed");
        string file = Path.Combine(Checkout.Scratch("uefi-variables"), "vars.fd");
        File.Copy(Origin, file);
        Guid keys = new("d719b2cb-3d3a-4596-a3bc-dad00e67656f");
        byte[] trusted = UefiVariables.Open(file).Get(keys, "db")!;
        Assert.NotNull(UefiVariables.Open(file).Get(UefiVariables.Global, "Boot0001"));
        UefiVariables.Open(file).Put(UefiVariables.Global, "BootOrder", [0x99, 0]);
        UefiVariables.Open(file).Put(UefiVariables.Global, "Boot0099", [1, 2, 3]);
        UefiVariables.Open(file).Put(UefiVariables.Global, "Boot0099", [4, 5, 6, 7, 8]);
        UefiVariables variables = UefiVariables.Open(file);
        Assert.Equal([0x99, 0], variables.Get(UefiVariables.Global, "BootOrder")!);
        Assert.Equal([4, 5, 6, 7, 8], variables.Get(UefiVariables.Global, "Boot0099")!);
        Assert.Equal(trusted, variables.Get(keys, "db")!);
        Assert.Null(variables.Get(keys, "Boot0099"));
        Assert.Equal(new FileInfo(Origin).Length, new FileInfo(file).Length);
    }
}
