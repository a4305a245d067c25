<?php
/**
 * @license MIT
 */

if (!defined('_PS_VERSION_')) {
    exit;
}

/**
 * Sends what waits. Called by a cron job with the token shown on the page of the module.
 */
class OdooConnectorCronModuleFrontController extends ModuleFrontController
{
    public $ajax = true;

    public function postProcess()
    {
        list($status, $facts, $headers) = $this->module->endpoint()->cron((string) Tools::getValue('token'));
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
