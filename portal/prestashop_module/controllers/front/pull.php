<?php
/**
 * @license MIT
 */

if (!defined('_PS_VERSION_')) {
    exit;
}

/**
 * Hands the waiting changes to the portal, for portals that the shop cannot reach. Signed like a post of this module.
 */
class OdooConnectorPullModuleFrontController extends ModuleFrontController
{
    public $ajax = true;

    public function postProcess()
    {
        list($status, $facts, $headers) = $this->module->endpoint()->pull(
            (string) ($_SERVER['HTTP_X_ODOOCONNECTOR_TIME'] ?? ''),
            (string) ($_SERVER['HTTP_X_ODOOCONNECTOR_SIGNATURE'] ?? ''),
            (string) file_get_contents('php://input', false, null, 0, OdooConnector\Endpoint::MAX_BODY + 1)
        );
        OdooConnector\Answer::send($status, $facts, $headers);
    }

    /** Changes are to travel while the shop is in maintenance, too. */
    protected function displayMaintenancePage()
    {
    }

    /** The caller is a machine, wherever it stands. */
    protected function displayRestrictedCountryPage()
    {
    }
}
